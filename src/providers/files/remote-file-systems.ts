import * as vscode from 'vscode';
import { sandboxFiles } from '../../modal/sandbox-files.ts';
import { type Attention, SandboxWatch } from '../../modal/sandbox-watch.ts';
import { volumeFiles } from '../../modal/volume-files.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { SANDBOX_SCHEME, VOLUME_SCHEME } from '../common/schemes.ts';
import { GoneFolders } from './gone-folders.ts';
import { RemoteFileSystem } from './remote-file-system.ts';

/** The file systems of volumes, by name, and of sandboxes, by id. */
export interface RemoteFileSystems extends vscode.Disposable {
  readonly volumes: RemoteFileSystem;
  readonly sandboxes: RemoteFileSystem;
  /** The account has changed. */
  reset(): void;
}

/** A window counts as looked at while it has the keyboard and somebody has touched it lately. */
const attention: Attention = {
  get isAwake() {
    return vscode.window.state.focused && vscode.window.state.active;
  },
  onDidChange: (listener) => vscode.window.onDidChangeWindowState(() => listener()),
};

/** Registers both. `onVolumeChange` is called after a change that came through the editor. */
export function remoteFileSystems(sessions: Sessions, onVolumeChange: (volume: string) => void): RemoteFileSystems {
  const goneFolders = new GoneFolders(SANDBOX_SCHEME, () => sessions.handOver());
  const client = async () => (await sessions.connection()).client;
  const volumes = new RemoteFileSystem({
    scheme: VOLUME_SCHEME,
    open: (name) => volumeFiles(client, name),
    onChange: ({ container }) => onVolumeChange(container),
  });
  const sandboxes = new RemoteFileSystem({
    scheme: SANDBOX_SCHEME,
    onGone: (id) => void goneFolders.tell(id),
    open: (id) => {
      const sandbox = async () => (await client()).sandboxes.fromId(id);
      const watch = new SandboxWatch({ sandbox, attention, onGone: () => void goneFolders.tell(id) });
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
