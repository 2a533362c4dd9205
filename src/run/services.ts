import type { Folder } from '../sandboxes/folder.ts';
import type { FolderSyncs } from '../sandboxes/folder-syncs.ts';
import type { Sessions } from '../sandboxes/sessions.ts';
import type { Ask } from '../sync/push/questions.ts';
import type { DetachedRuns } from './detached/detached-runs.ts';
import type { RunRecords } from './records/run-records.ts';
import type { RunningCommands } from './running-commands.ts';

/** The services that every run uses. */
export interface RunServices {
  readonly sessions: Sessions;
  readonly syncs: FolderSyncs;
  /** Asks the user what a sync can't decide. */
  readonly ask: Ask;
  /** Returns a folder's files with unsaved changes, which a pull must not overwrite. */
  unsaved?(folder: Folder): readonly string[];
  /** Shows a text outside the run's own output while the work is in progress. */
  readonly showWhile?: <T>(text: string, work: Promise<T>) => Promise<T>;
  /** Keeps track of running programs. */
  readonly commands?: RunningCommands;
  /** Keeps what is known of runs. */
  readonly records?: RunRecords;
  /** Keeps track of programs that outlive their windows. Without it, no program does. */
  readonly detached?: DetachedRuns;
}
