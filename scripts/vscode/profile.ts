/** The folders that make one VS Code independent of every other: user data, settings, extensions. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeExit } from '../cleanup.ts';
import { endLocalModal } from './end-local-modal.ts';

export type Settings = Readonly<Record<string, unknown>>;

export interface Profile {
  readonly userDataDir: string;
  readonly extensionsDir: string;
}

export interface TemporaryProfile extends Profile {
  readonly folder: string;
  remove(): Promise<void>;
  /** Leaves the folder where it is, for someone to look into. */
  keep(): void;
}

/** Settings that every VS Code of ours starts with: no news, no chat, nothing that asks the network. */
const QUIET_SETTINGS: Settings = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'git.enabled': false,
  'npm.autoDetect': 'off',
  'remote.autoForwardPorts': false,
  'security.workspace.trust.banner': 'always',
  'security.workspace.trust.startupPrompt': 'never',
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

/** A profile in a temporary folder of its own, which is removed at the latest when this process ends. */
export async function temporaryProfile(settings: Settings): Promise<TemporaryProfile> {
  const folder = await mkdtemp(join(tmpdir(), 'vscode-'));
  let kept = false;
  const keep = () => {
    kept = true;
  };
  const remove = beforeExit(async () => {
    await endLocalModal(join(folder, 'user-data'));
    if (!kept) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return { folder, remove, keep, ...(await profileIn(folder, settings)) };
}

/** The profile of a folder; its user settings are written anew. */
export async function profileIn(folder: string, settings: Settings): Promise<Profile> {
  const userDataDir = join(folder, 'user-data');
  const extensionsDir = join(folder, 'extensions');
  const text = JSON.stringify({ ...QUIET_SETTINGS, ...settings }, undefined, 2);
  await mkdir(extensionsDir, { recursive: true });
  // A server takes settings of the scope 'machine' from a file of its own, and the others from the user's.
  for (const kind of ['User', 'Machine']) {
    await mkdir(join(userDataDir, kind), { recursive: true });
    await writeFile(join(userDataDir, kind, 'settings.json'), text);
  }
  return { userDataDir, extensionsDir };
}
