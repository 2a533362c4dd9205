/** Finds an installed desktop VS Code. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/**
 * The executable of a desktop VS Code: the one that `VSCODE` names, else the one whose `code` is on PATH. Nothing where
 * there is none, or no screen to show it on. `VSCODE=server` asks for the server build although there is a desktop.
 */
export function desktopVsCode(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env.VSCODE;
  if (named === 'server' || !hasScreen(env)) return undefined;
  if (named) {
    const executable = behindCommand(named) ?? programAt(named);
    if (executable) return executable;
    throw new Error(`VSCODE names ${named}, which is no VS Code. Name its executable, or its 'code' command.`);
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
 * The program behind a `code` command, which is a script that hands over and returns at once: beside its `bin` folder
 * on Linux and Windows, inside the application on macOS. A remote's `code` has none.
 */
function behindCommand(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const real = realpathSync(path);
  if (real.endsWith('/snap')) return programAt('/snap/code/current/usr/share/code/code');
  if (!/[\\/]bin[\\/]code(\.cmd)?$/.test(real)) return undefined;
  const besideBin = dirname(dirname(real));
  const macOs = join(besideBin, '..', '..', 'MacOS');
  const candidates = { darwin: [join(macOs, 'Code'), join(macOs, 'Electron')], win32: [join(besideBin, 'Code.exe')] };
  return (candidates[process.platform as 'darwin'] ?? [join(besideBin, 'code')]).find(programAt);
}

function programAt(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? path : undefined;
}
