/** Changes to the network policy of a running sandbox. */
import { failedPrecondition, invalidArgument } from '../grpc/status.ts';
import { NetworkAccess, type Router } from '../grpc/wire.ts';
import { assertCidr, assertDomain } from '../sandboxes/sandbox-definition.ts';
import type { SandboxTable } from '../sandboxes/sandbox-table.ts';

export function networkPolicyRouter(table: SandboxTable) {
  return {
    async taskSetNetworkAccess({ taskId, networkAccess }) {
      const sandbox = table.withTask(taskId);
      if (!sandbox.running) throw failedPrecondition('Sandbox has already finished');
      if (!networkAccess) throw invalidArgument('Network policy is required');
      if (sandbox.definition.networkAccess?.networkAccessType !== NetworkAccess.allowlist) {
        throw failedPrecondition(
          'The network policy can be updated only for sandboxes that were created with an allowlist',
        );
      }
      for (const cidr of networkAccess.allowedCidrs) assertCidr(cidr);
      for (const domain of networkAccess.allowedDomains) assertDomain(domain);
      sandbox.definition.networkAccess = networkAccess;
      const { allowedCidrs: cidrs, allowedDomains: domains } = networkAccess;
      await sandbox.container().setup.container.network.setAllowlist({ cidrs, domains });
      return {};
    },
  } satisfies Partial<Router>;
}
