/**
 * Claims a data folder for one server, because two would overwrite each other's state. A claim is a file `claim.N` in the
 * folder, which only its owner can enter, and which names the process that holds it. The highest number counts.
 */
import { link, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readPrivateFile } from '../../src/base/private-files.ts';
import { isOwnRunningProcess, thisProcess } from '../../src/base/processes.ts';
import { StartError } from '../http/start-error.ts';

const ClaimSchema = z.object({ pid: z.number(), startedAt: z.string() });
const CLAIM_NAME = /^claim\.(\d+)$/;

/** Another running server uses the data folder. */
export class DataFolderInUse extends StartError {}

/** Claims a data folder for the lifetime of this process, even if that crashes. Throws `DataFolderInUse`. */
export async function claim(dataFolder: string): Promise<void> {
  const fileOf = (number: number) => join(dataFolder, `claim.${number}`);
  const draft = join(dataFolder, `new-claim.${process.pid}`);
  await writeFile(draft, JSON.stringify(await thisProcess()), { mode: 0o600 });
  try {
    for (;;) {
      const highest = Math.max(0, ...(await claimsIn(dataFolder)));
      if (await isHeld(fileOf(highest))) throw inUse(dataFolder);
      const own = highest + 1;
      // A link appears with its content, and only if the name is free: of two servers at the same moment, one gets it.
      if (!(await tryLink(draft, fileOf(own)))) continue;
      const others = (await claimsIn(dataFolder)).filter((number) => number !== own);
      if (others.some((number) => number > own)) {
        await rm(fileOf(own), { force: true });
        throw inUse(dataFolder);
      }
      await Promise.all(others.map((number) => rm(fileOf(number), { force: true })));
      return;
    }
  } finally {
    await rm(draft, { force: true });
  }
}

const inUse = (dataFolder: string) =>
  new DataFolderInUse(`Another Local Modal is using ${dataFolder}. Stop it, or use another folder with --data.`);

async function claimsIn(dataFolder: string): Promise<number[]> {
  const names = await readdir(dataFolder);
  return names.flatMap((name) => CLAIM_NAME.exec(name)?.[1] ?? []).map(Number);
}

async function isHeld(file: string): Promise<boolean> {
  const text = await readPrivateFile(file).catch(() => undefined);
  return text !== undefined && (await isOwnRunningProcess(ClaimSchema.parse(JSON.parse(text))));
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
