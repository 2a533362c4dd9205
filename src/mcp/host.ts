import type { Redaction } from '../run/records/redaction.ts';
import type { RunRequest } from '../run/request.ts';
import type { RunServices } from '../run/services.ts';
import type { Folder } from '../sandboxes/folder.ts';
import type { SavePoints } from '../sandboxes/save-points.ts';
import type { Snapshots } from '../snapshots/snapshots.ts';

/** The services that an agent's tools use, for one folder. */
export interface AgentHost {
  /** The folder that the agent works on. */
  readonly folder: Folder;
  readonly services: RunServices;
  readonly snapshots: Snapshots;
  readonly savePoints: Pick<SavePoints, 'saveBefore'>;
  /** Returns the request for running a file, given by its path in the folder. Throws `UserError` if it can't be run. */
  fileRequest(path: string, args: readonly string[]): Promise<RunRequest>;
  /** Returns what removes the secret values of a profile from a text. */
  redaction(profileName: string): Promise<Redaction>;
}

/** What an agent is, and how it works. */
export interface AgentOptions {
  /** The name of the client, such as `claude-code`. */
  readonly client: string;
  readonly mode: 'shared' | 'fork' | 'fresh';
  /** The profile's name. Defaults to the folder's current profile. */
  readonly profile: string | undefined;
  readonly budgetUsd: number;
  readonly idleTimeoutMs: number;
  readonly maxSandboxes: number;
}
