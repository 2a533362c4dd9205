/** `npm start`: a VS Code to look at, with the extension in it. */

import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeExit } from './cleanup.ts';
import { projectFolder, vscodeTestFolder } from './paths.ts';
import { startProcess } from './processes.ts';
import { say } from './say.ts';
import { desktopVsCode } from './vscode/desktop.ts';
import { endLocalModal } from './vscode/end-local-modal.ts';
import { desktopArguments, type LaunchFlags } from './vscode/flags.ts';
import { profileIn, type Settings } from './vscode/profile.ts';
import { startServer, withoutOuterVsCode } from './vscode/server.ts';

export interface OpenOptions {
  readonly folder: string;
  readonly settings: Settings;
  /** Whether VS Code need not ask for trust in the folder. */
  readonly trusted: boolean;
}

/** Opens VS Code and returns when it has been closed; the server build runs until this process is told to end. */
export async function openVsCode({ folder, settings, trusted }: OpenOptions): Promise<number> {
  const profile = await profileIn(vscodeTestFolder, { ...settings, 'security.workspace.trust.startupPrompt': 'once' });
  beforeExit(() => endLocalModal(profile.userDataDir));
  const desktop = desktopVsCode();
  const flags: LaunchFlags = {
    ...profile,
    folder,
    extensionDevelopmentPaths: desktop ? [projectFolder] : [],
    extensionTestsPath: undefined,
    workspaceTrust: !trusted,
  };
  const on = settings['modal.account'] === 'local' ? 'the local Modal: no account needed' : 'Modal itself';
  if (desktop) {
    const env = withoutOuterVsCode(process.env);
    const running = startProcess(desktop, desktopArguments(flags), { stdio: 'ignore', env });
    say(`VS Code opens on ${folder}, with the extension on ${on}.`);
    say(`Open a file and click 'Run in Sandbox' above its first line. Ctrl+C here closes VS Code.`);
    return running.ended;
  }
  await linkExtension(profile.extensionsDir);
  const server = await startServer(flags, { testDriver: false });
  const address = `http://${server.authority}/`;
  say(`VS Code runs on ${folder}, with the extension on ${on}.\n\n    ${address}\n`);
  say(`Open that address, open a file, and click 'Run in Sandbox' above its first line. Ctrl+C here ends VS Code.`);
  openInBrowser(address);
  return server.ended;
}

/** Puts the project among the installed extensions, so that the address needs no more than host and port. */
async function linkExtension(extensionsDir: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(projectFolder, 'package.json'), 'utf8')) as Record<string, string>;
  await rm(extensionsDir, { recursive: true, force: true });
  await mkdir(extensionsDir, { recursive: true });
  const link = join(extensionsDir, `${manifest.publisher}.${manifest.name}-${manifest.version}`);
  await symlink(projectFolder, link, 'junction');
}

function openInBrowser(address: string): void {
  const hasScreen = process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (!hasScreen) return;
  const [command, ...args] = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[process.platform as 'darwin'] ?? [
    'xdg-open',
  ];
  // Whoever has none has read the address.
  spawn(command ?? 'xdg-open', [...args, address], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
