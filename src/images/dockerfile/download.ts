import { posix } from 'node:path';
import { shellJoin } from '../../base/shell.ts';

const PYTHON = 'import sys, urllib.request; urllib.request.urlretrieve(*sys.argv[1:])';

/**
 * A shell command for `ADD` of a URL, by whatever the image can download with. `to` is a folder when it ends with `/`. Throws
 * an error that says why it cannot be had.
 */
export function downloadCommand(
  url: string,
  to: string,
  { owner, mode, checksum }: Readonly<Record<'owner' | 'mode' | 'checksum', string | undefined>>,
): string {
  if (/^(git@|git:|ssh:)|\.git(#|$)/.test(url)) throw new Error('a git repository cannot be added: use RUN git clone');
  const name = posix.basename(new URL(url).pathname);
  if (to.endsWith('/') && name === '') throw new Error(`${url} names no file: give the destination a name`);
  const target = to.endsWith('/') ? to + name : to;
  const [from, file] = [shellJoin([url]), shellJoin([target])];
  const tools = [
    `if command -v curl > /dev/null; then curl -fsSL -o ${file} ${from}`,
    `elif command -v wget > /dev/null; then wget -qO ${file} ${from}`,
    `else python3 -c ${shellJoin([PYTHON])} ${from} ${file}; fi`,
  ];
  return [
    `mkdir -p ${shellJoin([posix.dirname(target)])}`,
    `{ ${tools.join('; ')}; }`,
    ...(checksum ? [`echo ${shellJoin([`${checksum.replace(/^sha256:/, '')}  ${target}`])} | sha256sum -c -`] : []),
    `chmod ${shellJoin([mode ?? '600'])} ${file}`,
    ...(owner ? [`chown ${shellJoin([owner])} ${file}`] : []),
  ].join(' && ');
}
