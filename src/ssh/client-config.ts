import { quote } from '../base/shell.ts';
import type { Host, SshFolder } from './hosts.ts';

const HEADER = '# Written by Sandboxes for Modal, which overwrites changes.\n';

/** Returns the text of our own ssh config. */
export function clientConfig(hosts: readonly Host[], folder: SshFolder, keyPath: string): string {
  return [HEADER, ...hosts.map((host) => hostBlock(host, folder, keyPath))].join('\n');
}

/**
 * The host key is checked against what the relay has read in the sandbox over Modal's own connection. The user's own
 * settings for other hosts, such as a jump host, must not apply. Signs of life of the client would look like use.
 */
function hostBlock({ name, user }: Host, folder: SshFolder, keyPath: string): string {
  return `Host ${name}
  HostName ${name}
  HostKeyAlias ${name}
  User ${user}
  ProxyCommand ${proxyCommand(folder, name)}
  IdentityFile ${configPath(keyPath)}
  IdentitiesOnly yes
  PreferredAuthentications publickey
  UserKnownHostsFile ${configPath(folder.knownHosts(name))}
  GlobalKnownHostsFile /dev/null
  HostKeyAlgorithms ssh-ed25519
  StrictHostKeyChecking yes
  UpdateHostKeys no
  CheckHostIP no
  VerifyHostKeyDNS no
  ServerAliveInterval 0
`;
}

/** ssh puts `exec` in front, so that it must be a plain command. It replaces tokens such as %h in it. */
function proxyCommand(folder: SshFolder, name: string): string {
  const launcher = folder.launcher();
  const command = process.platform === 'win32' ? `"${launcher}" ${name}` : `/bin/sh ${quote(launcher)} ${name}`;
  return command.replaceAll('%', '%%');
}

/** Returns a path as a value of an ssh config, which replaces tokens such as %h in it. */
function configPath(path: string): string {
  return quoted(path).replaceAll('%', '%%');
}

function quoted(path: string): string {
  const plain = process.platform === 'win32' ? path.replaceAll('\\', '/') : path.replaceAll('\\', '\\\\');
  return `"${plain.replaceAll('"', '\\"')}"`;
}

/** Returns the line for `~/.ssh/config`. */
export function includeLine(folder: SshFolder): string {
  return `Include ${quoted(folder.config())}`;
}

/**
 * Returns the text of a user's ssh config with the line at its top. Further down, it could belong to a `Host` block, and
 * what comes first counts. Text that has the line is returned as it is.
 */
export function withInclude(text: string, line: string): string {
  return hasInclude(text, line) ? text : `${line}\n${text === '' ? '' : '\n'}${text}`;
}

/** Returns the text of a user's ssh config without the line. */
export function withoutInclude(text: string, line: string): string {
  const lines = text.split('\n');
  const at = lines.findIndex((each) => each.trim() === line);
  if (at < 0) return text;
  lines.splice(at, lines[at + 1]?.trim() === '' && at + 2 < lines.length ? 2 : 1);
  return lines.join('\n');
}

export function hasInclude(text: string, line: string): boolean {
  return text.split('\n').some((each) => each.trim() === line);
}

/** The programs that run the relay. */
export interface RelayPrograms {
  /** The editor's own executable, which acts as Node.js with a variable. */
  readonly editor: string;
  /** The relay's bundle. */
  readonly relay: string;
}

/** Returns the text of the program that ssh runs, for this system. The editor's updates change the paths in it. */
export function launcherText({ editor, relay }: RelayPrograms, folder: SshFolder, outdated: string): string {
  if (process.platform === 'win32') {
    const word = (text: string) => `"${text.replaceAll('%', '%%')}"`;
    return [
      '@echo off',
      `if not exist ${word(relay)} (echo ${outdated} 1>&2 & exit /b 1)`,
      'set ELECTRON_RUN_AS_NODE=1',
      `${word(editor)} ${word(relay)} ${word(folder.path)} %1`,
      '',
    ].join('\r\n');
  }
  return [
    '#!/bin/sh',
    `if [ ! -f ${quote(relay)} ]; then printf '%s\\n' ${quote(outdated)} >&2; exit 1; fi`,
    'export ELECTRON_RUN_AS_NODE=1',
    `[ -x ${quote(editor)} ] || exec node ${quote(relay)} ${quote(folder.path)} "$1"`,
    `exec ${quote(editor)} ${quote(relay)} ${quote(folder.path)} "$1"`,
    '',
  ].join('\n');
}
