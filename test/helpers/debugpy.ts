import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { DEBUGPY_FOLDER } from '../../src/debug/python.ts';
import { putArchive } from './put-archive.ts';

/** A folder with the unpacked packages of Python's debugger, if it isn't installed. */
const { DEBUGPY } = process.env;
const folder = DEBUGPY ? join(DEBUGPY, 'usr', 'lib', 'python3', 'dist-packages') : undefined;

/** Whether tests can debug Python programs. */
export const hasDebugpy = folder !== undefined || spawnSync('/usr/bin/python3', ['-c', 'import debugpy']).status === 0;
export const NO_DEBUGPY = "Python's debugger isn't installed. Set DEBUGPY to what `.ci/unpack debugpy` prints.";

/** Returns an archive of the debugger, as pip would install it; undefined if sandboxes have the installed one. */
export function debugpyArchive(): Buffer | undefined {
  if (folder === undefined) return undefined;
  const copy = mkdtempSync(join(tmpdir(), 'debugpy-'));
  try {
    // Debian's package shares its parts with other packages.
    cpSync(join(folder, 'debugpy'), join(copy, 'debugpy'), { recursive: true });
    const vendored = join(copy, 'debugpy', '_vendored', 'pydevd');
    cpSync(join(folder, 'bytecode'), join(vendored, 'bytecode'), { recursive: true });
    return spawnSync('tar', ['-czhf', '-', '-C', copy, '.'], { maxBuffer: 64 * 1024 * 1024 }).stdout;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Puts the debugger into a sandbox. */
export async function putDebugpy(sandbox: Sandbox): Promise<void> {
  const archive = debugpyArchive();
  if (archive) await putArchive(sandbox, archive, DEBUGPY_FOLDER);
}
