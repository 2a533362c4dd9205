import * as vscode from 'vscode';
import { sandboxFiles } from '../../modal/sandbox-files.ts';
import { type Attention, SandboxWatch } from '../../modal/sandbox-watch.ts';
import { volumeFiles } from '../../modal/volume-files.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { SANDBOX_SCHEME, VOLUME_SCHEME } from '../common/schemes.ts';
import { RemoteFileSystem } from './remote-file-system.ts';
import { SandboxFolders } from './sandbox-folders.ts';

/** The file systems of volumes, by name, and of sandboxes, by ID. */
export interface RemoteFileSystems extends vscode.Disposable {
  readonly volumes: RemoteFileSystem;
  readonly sandboxes: RemoteFileSystem;
  /** Forgets all connections, after a change of account. */
  reset(): void;
}

/** The window has the user's attention while it has focus and was used recently. */
const attention: Attention = {
  get isAwake() {
    return vscode.window.state.focused && vscode.window.state.active;
  },
  onDidChange: (listener) => vscode.window.onDidChangeWindowState(() => listener()),
};

/** Registers both file systems. `onVolumeChange` is called after a change made through VS Code. */
export function remoteFileSystems(sessions: Sessions, onVolumeChange: (volume: string) => void): RemoteFileSystems {
  const folders = new SandboxFolders(SANDBOX_SCHEME, () => sessions.handOver());
  const client = async () => (await sessions.connection()).client;
  const volumes = new RemoteFileSystem({
    scheme: VOLUME_SCHEME,
    open: (name) => volumeFiles(client, name),
    onChange: ({ container }) => onVolumeChange(container),
  });
  const sandboxes = new RemoteFileSystem({
    scheme: SANDBOX_SCHEME,
    onGone: (id) => void folders.reportStopped(id),
    open: (id) => {
      const sandbox = async () => (await client()).sandboxes.fromId(id);
      const watch = new SandboxWatch({ sandbox, attention, onGone: () => void folders.reportStopped(id) });
      return { ...sandboxFiles(sandbox), watch: (...args) => watch.watch(...args) };
    },
  });
  return {
    volumes,
    sandboxes,
    reset: () => {
      volumes.reset();
      sandboxes.reset();
    },
    dispose: () => {
      volumes.dispose();
      sandboxes.dispose();
    },
  };
}
