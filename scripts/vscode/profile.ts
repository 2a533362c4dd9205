/** The folders that make an instance of VS Code independent of all others: user data, settings, and extensions. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeExit } from '../cleanup.ts';
import { stopLocalModal } from './stop-local-modal.ts';

export type Settings = Readonly<Record<string, unknown>>;

export interface Profile {
  readonly userDataDir: string;
  readonly extensionsDir: string;
}

export interface TemporaryProfile extends Profile {
  readonly folder: string;
  remove(): Promise<void>;
  /** Keeps the folder, for inspection. */
  keep(): void;
}

/** Settings for every instance: no release notes, no chat, no network requests, and no work of others. */
const QUIET_SETTINGS: Settings = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'git.enabled': false,
  'js/ts.tsserver.automaticTypeAcquisition.enabled': false,
  'js/ts.tsserver.useSyntaxServer': 'always',
  'npm.autoDetect': 'off',
  'remote.autoForwardPorts': false,
  'security.workspace.trust.banner': 'always',
  'security.workspace.trust.startupPrompt': 'never',
  'telemetry.telemetryLevel': 'off',
  // The earlier names of those above.
  'typescript.disableAutomaticTypeAcquisition': true,
  'typescript.tsserver.useSyntaxServer': 'always',
  'update.mode': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

/** Settings for instances that only programs look at. Each saves the browser some drawing. */
const UNSEEN_SETTINGS: Settings = {
  'editor.minimap.enabled': false,
  'extensions.ignoreRecommendations': true,
  'json.schemaDownload.enable': false,
  // A page has no GPU, and only the text of this renderer can be read from it.
  'terminal.integrated.gpuAcceleration': 'off',
  'workbench.enableExperiments': false,
  'workbench.reduceMotion': 'on',
};

/** Creates a profile in a temporary folder, which is removed when this process exits or earlier. */
export async function temporaryProfile(settings: Settings): Promise<TemporaryProfile> {
  const folder = await mkdtemp(join(tmpdir(), 'vscode-'));
  let kept = false;
  const keep = () => {
    kept = true;
  };
  const remove = beforeExit(async () => {
    await stopLocalModal(localModalOf(join(folder, 'user-data')));
    if (!kept) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return { folder, remove, keep, ...(await profileIn(folder, { ...UNSEEN_SETTINGS, ...settings })) };
}

/** Returns the data folder of the Local Modal server that the extension starts for a profile. */
export function localModalOf(userDataDir: string): string {
  return join(userDataDir, 'User', 'globalStorage', 'modal-sandboxes.modal-sandboxes', 'local-modal');
}

/** Returns the profile in a folder, after overwriting its settings. */
export async function profileIn(folder: string, settings: Settings): Promise<Profile> {
  const userDataDir = join(folder, 'user-data');
  const extensionsDir = join(folder, 'extensions');
  const text = JSON.stringify({ ...QUIET_SETTINGS, ...settings }, undefined, 2);
  await mkdir(extensionsDir, { recursive: true });
  // The server build reads settings with scope 'machine' from a separate file.
  for (const kind of ['User', 'Machine']) {
    await mkdir(join(userDataDir, kind), { recursive: true });
    await writeFile(join(userDataDir, kind, 'settings.json'), text);
  }
  return { userDataDir, extensionsDir };
}
