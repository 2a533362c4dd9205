import { accountIdOf } from '../modal/accounts.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import { looksLikeCredential } from '../sync/rules/builtin.ts';
import { namedBy, type SendsFile } from '../sync/rules/credentials.ts';
import type { Connection } from './connection.ts';
import type { StartGate } from './permissions/permissions.ts';
import { sentFiles } from './permissions/sent-files.ts';

/** A profile as it may be used, after the user was asked. */
export interface PermittedProfile {
  readonly named: NamedProfile;
  /** Decides about files that look like credentials and that a build would send. */
  readonly sends: SendsFile;
}

export interface PermitRequest {
  readonly connection: Connection;
  readonly named: NamedProfile;
  /** The absolute path of the folder that paths in the profile refer to; '' if there's none. */
  readonly root: string;
  /** Patterns of the user's own `modal.sync.include`, which name files to send although they look like credentials. */
  readonly userInclude: readonly string[] | undefined;
  /** False if no one waits, so no one is asked. */
  readonly mayAsk: boolean;
  /** False for a start from a snapshot, which uses neither the profile's image nor its setup. */
  readonly usesImage: boolean;
}

/**
 * Asks the gate, and decides which files that look like credentials a build may send. Throws `UserError` if the user hasn't
 * allowed what the profile needs.
 */
export async function permitProfile(gate: StartGate, request: PermitRequest): Promise<PermittedProfile> {
  const { connection, named, root, userInclude, mayAsk, usesImage } = request;
  const { account, prices, client } = connection;
  const isLocal = account.isLocal === true;
  const files = async () => (usesImage ? sentFiles(named.profile, { root, isLocal, client, userInclude }) : []);
  const wanted = { root, accountId: accountIdOf(account), isLocal, prices, named };
  const permitted = await gate.require(wanted, { files, usesImage, mayAsk });
  const isIncluded = namedBy(userInclude ?? []);
  const sends: SendsFile = (path, isNamed) =>
    !looksLikeCredential(path) || isIncluded(path) || (isNamed && permitted.credentials.has(path));
  return { named: permitted.named, sends };
}
