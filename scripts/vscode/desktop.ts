/** Finds an installed desktop VS Code. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/**
 * Returns the executable of a desktop VS Code: the one that `VSCODE` names, or the one whose `code` command is on PATH.
 * Returns undefined if there is none, if there is no screen, or if `VSCODE=server` requests the server build.
 */
export function desktopVsCode(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env.VSCODE;
  if (named === 'server' || !hasScreen(env)) return undefined;
  if (named) {
    const executable = behindCommand(named) ?? programAt(named);
    if (executable) return executable;
    throw new Error(
      `VSCODE is set to ${named}, which isn't VS Code. Set it to VS Code's executable or its 'code' command.`,
    );
  }
  const command = process.platform === 'win32' ? 'code.cmd' : 'code';
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, command);
    const executable = behindCommand(candidate);
    if (executable) return executable;
  }
  return undefined;
}

function hasScreen(env: NodeJS.ProcessEnv): boolean {
  return process.platform !== 'linux' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
}

/**
 * Returns the executable behind a `code` command, which is a script that starts the executable and exits immediately. It is
 * next to the script's `bin` folder on Linux and Windows, and in the application on macOS. A remote's `code` has none.
 */
function behindCommand(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const real = realpathSync(path);
  if (real.endsWith('/snap')) return programAt('/snap/code/current/usr/share/code/code');
  if (!/[\\/]bin[\\/]code(\.cmd)?$/.test(real)) return undefined;
  const installFolder = dirname(dirname(real));
  const macOs = join(installFolder, '..', '..', 'MacOS');
  const candidates = {
    darwin: [join(macOs, 'Code'), join(macOs, 'Electron')],
    win32: [join(installFolder, 'Code.exe')],
  };
  return (candidates[process.platform as 'darwin'] ?? [join(installFolder, 'code')]).find(programAt);
}

function programAt(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? path : undefined;
}
