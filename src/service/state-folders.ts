import { homedir } from 'node:os';
import { join } from 'node:path';

const NAME = 'modal-sandboxes';

/** The folders of this user, where programs of this computer's system keep such files. */
export interface StateFolders {
  /** What is remembered: sandboxes, answers, records of runs, and Local Modal's data. */
  readonly state: string;
  /** The user's own settings. */
  readonly config: string;
}

/**
 * Returns where the product without a window keeps its files. `MODAL_SANDBOXES_HOME` names one folder for all of them.
 * Otherwise, they are in the standard folders: XDG's on Linux, Library on macOS, and AppData on Windows.
 */
export function stateFolders(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): StateFolders {
  const { MODAL_SANDBOXES_HOME: own } = env;
  if (own) return { state: own, config: own };
  const home = homedir();
  switch (platform) {
    case 'win32':
      return {
        state: join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), NAME),
        config: join(env.APPDATA || join(home, 'AppData', 'Roaming'), NAME),
      };
    case 'darwin': {
      const folder = join(home, 'Library', 'Application Support', NAME);
      return { state: folder, config: folder };
    }
    default:
      return {
        state: join(env.XDG_STATE_HOME || join(home, '.local', 'state'), NAME),
        config: join(env.XDG_CONFIG_HOME || join(home, '.config'), NAME),
      };
  }
}
