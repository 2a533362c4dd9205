/** Changes to what a running sandbox may reach. */

import { failedPrecondition, invalidArgument } from '../grpc/status.ts';
import type { Router } from '../grpc/wire.ts';
import { assertCidr, assertDomain } from '../sandboxes/sandbox-definition.ts';
import type { SandboxTable } from '../sandboxes/sandbox-table.ts';

/** `NetworkAccessType` of a sandbox with allowlists. */
const ALLOWLIST = 3;

export function networkPolicyRouter(table: SandboxTable) {
  return {
    async taskSetNetworkAccess({ taskId, networkAccess }) {
      const sandbox = table.withTask(taskId);
      if (!sandbox.running) throw failedPrecondition('The sandbox has ended');
      if (!networkAccess) throw invalidArgument('A network policy is needed');
      if (sandbox.definition.networkAccess?.networkAccessType !== ALLOWLIST) {
        throw failedPrecondition('Only a sandbox that was created with allowlists can be given others');
      }
      for (const cidr of networkAccess.allowedCidrs) assertCidr(cidr);
      for (const domain of networkAccess.allowedDomains) assertDomain(domain);
      // A process cannot be moved between networks, so this is recorded, and holds for what is created from here on.
      sandbox.definition.networkAccess = networkAccess;
      return {};
    },
  } satisfies Partial<Router>;
}
