import type { Account } from './accounts.ts';
import { newClient } from './client.ts';

/** The time for Modal to answer. */
const TIMEOUT_MS = 20_000;
const UNIMPLEMENTED = 12;

/** Who a token belongs to. */
export interface Identity {
  readonly workspace: string;
  /** Undefined if Modal doesn't tell, such as for tokens of a whole workspace. */
  readonly user?: string;
}

/** Asks Modal who an account is, which also checks its token. Throws the SDK's errors. */
export async function identify(account: Account, signal?: AbortSignal): Promise<Identity> {
  const client = await newClient(account);
  const options = { timeoutMs: TIMEOUT_MS, ...(signal && { signal }) };
  try {
    const info = await client.cpClient.tokenInfoGet({}, options);
    const user = info.userIdentity?.username || info.serviceUserIdentity?.serviceUserName;
    return { workspace: info.workspaceName, ...(user && { user }) };
  } catch (error) {
    if ((error as { code?: unknown }).code !== UNIMPLEMENTED) throw error;
    const { username } = await client.cpClient.workspaceNameLookup({}, options);
    return { workspace: username };
  } finally {
    client.close();
  }
}

/** Formats an identity, such as `alice@acme`. */
export function describeIdentity({ workspace, user }: Identity): string {
  return user && user !== workspace ? `${user}@${workspace}` : workspace;
}
