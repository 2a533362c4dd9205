/** `npm start`: opens VS Code with the extension. */
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeExit } from './cleanup.ts';
import { projectFolder, vscodeTestFolder } from './paths.ts';
import { startProcess } from './processes.ts';
import { say } from './say.ts';
import { desktopVsCode } from './vscode/desktop.ts';
import { desktopArguments, type LaunchFlags } from './vscode/flags.ts';
import { localModalOf, profileIn, type Settings } from './vscode/profile.ts';
import { startServer, withoutOuterVsCode } from './vscode/server.ts';
import { stopLocalModal } from './vscode/stop-local-modal.ts';

export interface OpenOptions {
  readonly folder: string;
  readonly settings: Settings;
  /** Opens the folder without asking for workspace trust. */
  readonly trusted: boolean;
}

/** Opens VS Code, and waits until it is closed. The server build runs until this process is stopped. */
export async function openVsCode({ folder, settings, trusted }: OpenOptions): Promise<number> {
  const profile = await profileIn(vscodeTestFolder, { ...settings, 'security.workspace.trust.startupPrompt': 'once' });
  beforeExit(() => stopLocalModal(localModalOf(profile.userDataDir)));
  const desktop = desktopVsCode();
  const flags: LaunchFlags = {
    ...profile,
    folder,
    extensionDevelopmentPaths: desktop ? [projectFolder] : [],
    extensionTestsPath: undefined,
    workspaceTrust: !trusted,
  };
  const account = settings['modal.account'] === 'local' ? 'Local Modal (no account needed)' : 'Modal';
  if (desktop) {
    const env = withoutOuterVsCode(process.env);
    const running = startProcess(desktop, desktopArguments(flags), { stdio: 'ignore', env });
    say(`Opening ${folder} in VS Code. The extension uses ${account}.`);
    say(`To run a file, open it and click 'Run in Sandbox' above its first line. Press Ctrl+C here to close VS Code.`);
    return running.ended;
  }
  await linkExtension(profile.extensionsDir);
  const server = await startServer(flags, { testDriver: false });
  const address = `http://${server.authority}/`;
  say(`VS Code is running with ${folder}. The extension uses ${account}.\n\n    ${address}\n`);
  say(`Open this address. To run a file, open it and click 'Run in Sandbox' above its first line.`);
  say('Press Ctrl+C here to stop VS Code.');
  openInBrowser(address);
  return server.ended;
}

/** Links the project into the extensions folder, so that the address doesn't need any parameters. */
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
  // Without a browser, the user can open the address that was printed.
  spawn(command ?? 'xdg-open', [...args, address], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
