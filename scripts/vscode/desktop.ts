/** Finds an installed desktop VS Code. */
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/**
 * The executable of a desktop VS Code: the one that `VSCODE` names, else the one whose `code` is on PATH. Nothing where
 * there is none, or no screen to show it on. `VSCODE=server` asks for the server build although there is a desktop.
 */
export function desktopVsCode(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env.VSCODE;
  if (named === 'server' || !hasScreen(env)) return undefined;
  if (named) {
    const executable = executableOf(named);
    if (executable) return executable;
    throw new Error(`VSCODE names ${named}, which is no VS Code. Name its executable, or its 'code' command.`);
  }
  const command = process.platform === 'win32' ? 'code.cmd' : 'code';
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, command);
    const executable = existsSync(candidate) ? executableOf(candidate) : undefined;
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
function executableOf(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const real = realpathSync(path);
  const bin = dirname(real);
  const besideBin = dirname(bin);
  const candidates = {
    linux: [join(besideBin, 'code'), '/snap/code/current/usr/share/code/code'],
    darwin: ['Code', 'Electron'].map((name) => join(dirname(dirname(besideBin)), 'MacOS', name)),
    win32: [join(besideBin, 'Code.exe')],
  }[process.platform as 'linux'];
  const isCommand = /[\\/]bin[\\/]code(\.cmd)?$/.test(real) || real.endsWith('/snap');
  if (!isCommand) return real;
  return candidates?.find((candidate) => candidate !== real && existsSync(candidate));
}
