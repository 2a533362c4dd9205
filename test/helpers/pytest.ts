import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { PYTEST_FOLDER } from '../../src/testing/pytest.ts';
import { putArchive } from './put-archive.ts';

/** A folder with the unpacked packages of pytest, if it isn't installed. */
const { PYTEST } = process.env;
const folder = PYTEST ? join(PYTEST, 'usr', 'lib', 'python3', 'dist-packages') : undefined;

/** Whether tests can run pytest, pytest-xdist, and coverage in sandboxes. */
export const hasPytest =
  folder !== undefined || spawnSync('/usr/bin/python3', ['-c', 'import pytest, xdist, coverage']).status === 0;
export const NO_PYTEST = "pytest isn't installed. Set PYTEST to what `.ci/unpack pytest` prints.";

/** Returns an archive of pytest, as pip would install it; undefined if sandboxes have the installed one. */
export function pytestArchive(): Buffer | undefined {
  if (folder === undefined) return undefined;
  const copy = mkdtempSync(join(tmpdir(), 'pytest-'));
  try {
    cpSync(folder, copy, { recursive: true });
    return spawnSync('tar', ['-czhf', '-', '-C', copy, '.'], { maxBuffer: 64 * 1024 * 1024 }).stdout;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Puts pytest into a sandbox. */
export async function putPytest(sandbox: Sandbox): Promise<void> {
  const archive = pytestArchive();
  if (archive) await putArchive(sandbox, archive, PYTEST_FOLDER);
}
