import type { Event } from '../../base/events.ts';
import type { Folder } from '../../sandboxes/folder.ts';

/** The folders' profiles, as code lenses need them. */
export interface LensProfiles {
  /** Returns the name of the folder's current profile. */
  current(folder: Folder): Promise<string>;
  /** Fires when profiles, or the current one of a folder, change. */
  readonly onDidChange: Event<unknown>;
}
