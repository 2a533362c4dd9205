import { posix } from 'node:path';
import { shellJoin } from '../../base/shell.ts';
import { strings } from '../strings.ts';

const PYTHON = 'import sys, urllib.request; urllib.request.urlretrieve(*sys.argv[1:])';

/**
 * Returns a shell command for `ADD` of a URL that uses curl, wget, or Python, whichever the image has. `to` is a folder if it
 * ends with `/`. Throws an error whose message is a reason for `refusal`.
 */
export function downloadCommand(
  url: string,
  to: string,
  { owner, mode, checksum }: Readonly<Record<'owner' | 'mode' | 'checksum', string | undefined>>,
): string {
  if (/^(git@|git:|ssh:)|\.git(#|$)/.test(url)) throw new Error(strings.addOfRepository());
  const name = posix.basename(new URL(url).pathname);
  if (to.endsWith('/') && name === '') throw new Error(strings.urlWithoutName(url));
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
