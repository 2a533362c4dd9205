import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** A folder with the unpacked packages of just, of another Debian than this computer's. */
const { JUST } = process.env;

/** Returns the command of `just`; undefined if there is none. */
export function justCommand(): readonly [string, ...string[]] | undefined {
  if (!JUST) return spawnSync('just', ['--version']).status === 0 ? ['just'] : undefined;
  const libraries = join(JUST, 'usr/lib/x86_64-linux-gnu');
  return [join(libraries, 'ld-linux-x86-64.so.2'), '--library-path', libraries, join(JUST, 'usr/bin/just')];
}
