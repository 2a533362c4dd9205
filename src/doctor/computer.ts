/** The checks of this computer. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../base/text.ts';
import { parseConfigProfiles } from '../modal/accounts.ts';
import { readConfigFile } from '../modal/config-file.ts';
import { type Finding, failed, passed, skipped, warning } from './finding.ts';
import type { Sources, Version } from './sources.ts';
import { strings } from './strings.ts';

/** With less, syncs, builds, and Local Modal may fail at any time. */
const MIN_FREE_BYTES = 200_000_000;

/** `sdkVersion` is known once there was a connection. */
export function checkVersions(
  { versions }: Sources,
  sdkVersion: string | undefined,
  warnings: readonly string[],
): Finding {
  const sdk: Version[] = sdkVersion === undefined ? [] : [['Modal SDK', sdkVersion]];
  const list = [...versions, ...sdk].map(([name, version]) => `${name} ${version}`).join(', ');
  const [warned] = warnings;
  return warned === undefined ? passed(`${list}.`) : warning(strings.serverWarned(list, warned));
}

/** Reads Modal's config file, and writes to each folder. Throws errors of the file system, and `AccountError`. */
export async function checkStorage({ storage, hasLostToken }: Sources): Promise<Finding> {
  parseConfigProfiles((await readConfigFile()) ?? '');
  let freeBytes = Number.POSITIVE_INFINITY;
  for (const folder of storage) freeBytes = Math.min(freeBytes, await writeTo(folder));
  if (freeBytes < MIN_FREE_BYTES) return warning(strings.littleSpace(formatBytes(freeBytes)));
  if (await hasLostToken()) return failed(strings.lostToken(), 'signIn', 'openConfigFile');
  return passed(strings.storageWorks(formatBytes(freeBytes)));
}

/** Writes a file, reads it, and removes it. Resolves with the bytes that are free. */
async function writeTo(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `doctor-${randomUUID()}`);
  try {
    await writeFile(path, path);
    if ((await readFile(path, 'utf8')) !== path) throw new Error(strings.notReadBack(folder));
  } finally {
    await rm(path, { force: true });
  }
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Says what isolates the sandboxes of Local Modal. */
export async function checkLocalModal({ localModal }: Sources): Promise<Finding> {
  const state = await localModal();
  if (!state) return skipped(strings.localModalUnused());
  const { runtime, isolation } = state;
  if (runtime === 'refused') return failed(isolation, 'showLocalModalSettings', 'signIn');
  return runtime === 'none' ? warning(isolation, 'showLocalModalSettings') : passed(isolation);
}
