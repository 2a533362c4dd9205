import type { Folder } from '../sandboxes/folder.ts';
import type { FolderSyncs } from '../sandboxes/folder-syncs.ts';
import type { Sessions } from '../sandboxes/sessions.ts';
import type { Ask } from '../sync/push/questions.ts';
import type { RunningCommands } from './running-commands.ts';

/** What every run works with. */
export interface RunServices {
  readonly sessions: Sessions;
  readonly syncs: FolderSyncs;
  /** Answers what a sync does not decide by itself. */
  readonly ask: Ask;
  /** Files of a folder that are not saved: no pull writes over them. */
  unsaved?(folder: Folder): readonly string[];
  /** Shows, beside the run's own output, that something goes on for as long as the work does. */
  readonly showWhile?: <T>(words: string, work: Promise<T>) => Promise<T>;
  /** Told what runs where. */
  readonly commands?: RunningCommands;
}
