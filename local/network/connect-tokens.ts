/** Connect tokens: HTTP access to a sandbox's port for clients that have a token. */
import { failedPrecondition, invalidArgument } from '../grpc/status.ts';
import type { ControlPlane, Request } from '../grpc/wire.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';
import type { SandboxTable } from '../sandboxes/sandbox-table.ts';
import type { Grants } from './grants.ts';
import { SandboxProxy } from './sandbox-proxy.ts';

const DEFAULT_PORT = 8080;
const MAX_METADATA_LENGTH = 512;

export function connectTokensService(table: SandboxTable, grants: Grants) {
  /** The ports of the sandboxes' proxies. */
  const proxies = new WeakMap<Sandbox, Promise<number>>();

  async function create({ sandboxId, userMetadata, port }: Request<'sandboxCreateConnectTokenV2'>) {
    table.record(sandboxId);
    const sandbox = table.get(sandboxId);
    if (!sandbox?.running) throw failedPrecondition(`Sandbox ${sandboxId} is not running`);
    if (userMetadata.length > MAX_METADATA_LENGTH) {
      throw invalidArgument(`User metadata must be at most ${MAX_METADATA_LENGTH} characters`);
    }
    const listening = proxies.get(sandbox) ?? new SandboxProxy(sandbox, grants).listen();
    proxies.set(sandbox, listening);
    const token = grants.add(sandbox, { port: port ?? DEFAULT_PORT, metadata: userMetadata });
    return { url: `http://127.0.0.1:${await listening}`, token };
  }

  return { sandboxCreateConnectToken: create, sandboxCreateConnectTokenV2: create } satisfies Partial<ControlPlane>;
}
