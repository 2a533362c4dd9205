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
  readonly env?: Readonly<Record<string, string>>;
}

const BUNDLE = ['dist', 'mcp.cjs'] as const;

/** Returns the folder with the launcher and the user's own settings of the editor, which servers without a window read. */
export function editorSettingsFolder(storagePath: string): string {
  return join(storagePath, 'mcp');
}

/** Returns the path of the launcher, which stays the same when the extension is updated. */
export function launcherPath(storagePath: string, platform = process.platform): string {
  return join(editorSettingsFolder(storagePath), platform === 'win32' ? 'launch.cjs' : 'launch.sh');
}

/** Returns the command line of an agent's server. */
export function launchCommand(
  { editor, storagePath }: Pick<LaunchedPrograms, 'editor' | 'storagePath'>,
  args: readonly string[] = [],
  platform = process.platform,
): LaunchCommand {
  const all = [launcherPath(storagePath, platform), ...args];
  // Batch files change arguments, and clients can't start them without a shell. An editor on Windows stays where it is.
  if (platform === 'win32') return { command: editor, args: all, env: { ELECTRON_RUN_AS_NODE: '1' } };
  return { command: '/bin/sh', args: all };
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
  const paths = { editor, server, versions, storagePath };
  return platform === 'win32' ? script(paths) : shell(paths);
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

function script({ server, versions, storagePath }: Paths): string {
  const text = (value: string) => JSON.stringify(value);
  return `// Written by Sandboxes for Modal, which overwrites changes.
const { existsSync, readdirSync, statSync } = require('node:fs');
const { basename, dirname, join } = require('node:path');
let server = ${text(server)};
if (!existsSync(server)) {
  const versions = ${text(versions)};
  const found = (existsSync(dirname(versions)) ? readdirSync(dirname(versions)) : [])
    .filter((name) => name.startsWith(basename(versions)))
    .map((name) => join(dirname(versions), name, ${BUNDLE.map(text).join(', ')}))
    .filter((path) => existsSync(path));
  server = found.sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs)[0];
}
if (server) {
  process.argv.splice(2, 0, '--state', ${text(storagePath)});
  require(server);
} else {
  console.error(${text(strings.notInstalled())});
  process.exitCode = 1;
}
`;
}
