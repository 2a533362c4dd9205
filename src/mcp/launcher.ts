import { basename, dirname, join } from 'node:path';
import { quote } from '../base/shell.ts';
import { strings } from './strings.ts';

/** What the launcher starts. */
export interface LaunchedPrograms {
  /** The editor's own executable, which acts as Node.js with a variable. */
  readonly editor: string;
  /** The folder of the extension's version in use. */
  readonly extensionPath: string;
  /** The folder with what the editor's windows remember. */
  readonly storagePath: string;
}

/** How an agent starts the server. */
export interface LaunchCommand {
  readonly command: string;
  readonly args: readonly string[];
}

const BUNDLE = ['dist', 'mcp.cjs'] as const;

/** Returns the path of the launcher, which stays the same when the extension is updated. */
export function launcherPath(storagePath: string, platform = process.platform): string {
  return join(storagePath, 'mcp', platform === 'win32' ? 'launch.cmd' : 'launch.sh');
}

/** Returns the command line of an agent's server. */
export function launchCommand(
  storagePath: string,
  args: readonly string[] = [],
  platform = process.platform,
): LaunchCommand {
  const path = launcherPath(storagePath, platform);
  if (platform === 'win32') return { command: 'cmd', args: ['/d', '/c', path, ...args] };
  return { command: '/bin/sh', args: [path, ...args] };
}

/**
 * Returns the text of the launcher. It starts the version of the extension that wrote it, or else the newest one next to it:
 * an update removes the other. Which Node.js is on the PATH isn't known, so the editor's own comes first.
 */
export function launcherText(
  { editor, extensionPath, storagePath }: LaunchedPrograms,
  platform = process.platform,
): string {
  const server = join(extensionPath, ...BUNDLE);
  // `publisher.name-1.2.3` or `publisher.name-1.2.3-linux-x64`.
  const name = basename(extensionPath).replace(/-\d+\.\d+\.\d+.*$/, '');
  const versions = join(dirname(extensionPath), `${name}-`);
  return platform === 'win32'
    ? batch({ editor, server, versions, storagePath })
    : shell({ editor, server, versions, storagePath });
}

interface Paths {
  readonly editor: string;
  readonly server: string;
  /** The start of the paths of all versions. */
  readonly versions: string;
  readonly storagePath: string;
}

function shell({ editor, server, versions, storagePath }: Paths): string {
  return `#!/bin/sh
# Written by Sandboxes for Modal, which overwrites changes.
server=${quote(server)}
if [ ! -f "$server" ]; then
  for each in ${quote(versions)}*/${BUNDLE.join('/')}; do
    if [ ! -f "$server" ] || [ "$each" -nt "$server" ]; then server=$each; fi
  done
fi
if [ ! -f "$server" ]; then printf '%s\\n' ${quote(strings.notInstalled())} >&2; exit 1; fi
export ELECTRON_RUN_AS_NODE=1
[ -x ${quote(editor)} ] || exec node "$server" --state ${quote(storagePath)} "$@"
exec ${quote(editor)} "$server" --state ${quote(storagePath)} "$@"
`;
}

function batch({ editor, server, versions, storagePath }: Paths): string {
  const value = (text: string) => text.replaceAll('%', '%%');
  const bundle = BUNDLE.join('\\');
  return [
    '@echo off',
    'rem Written by Sandboxes for Modal, which overwrites changes.',
    `set "SERVER=${value(server)}"`,
    `if not exist "%SERVER%" for /f "delims=" %%d in ('dir /b /ad /od "${value(versions)}*"') do if exist "${value(dirname(versions))}\\%%d\\${bundle}" set "SERVER=${value(dirname(versions))}\\%%d\\${bundle}"`,
    `if not exist "%SERVER%" (echo ${strings.notInstalled()} 1>&2 & exit /b 1)`,
    'set ELECTRON_RUN_AS_NODE=1',
    `set "EDITOR_PATH=${value(editor)}"`,
    'if not exist "%EDITOR_PATH%" set "EDITOR_PATH=node"',
    `"%EDITOR_PATH%" "%SERVER%" --state "${value(storagePath)}" %*`,
    '',
  ].join('\r\n');
}
