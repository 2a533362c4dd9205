import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readPrivateFile, writePrivateFile } from '../base/private-files.ts';
import type { SshFolder } from './hosts.ts';

const ConnectionSchema = z.object({
  sandboxId: z.string().min(1),
  /** The name of the host. */
  host: z.string().min(1),
  /** The process of the relay. */
  pid: z.number().int().min(1),
});
/** An open SSH connection of this user into a sandbox. */
export type SshConnection = z.infer<typeof ConnectionSchema>;

/** Notes that this process is connected to a sandbox, for all windows. Returns a function that takes it back. */
export async function noteConnection(
  folder: SshFolder,
  connection: Omit<SshConnection, 'pid'>,
): Promise<() => Promise<void>> {
  const file = join(folder.connections(), `${randomUUID()}.json`);
  await writePrivateFile(file, JSON.stringify({ ...connection, pid: process.pid }));
  return () => rm(file, { force: true });
}

/** Returns the open connections. Forgets those of relays that were killed. */
export async function openConnections(folder: SshFolder): Promise<SshConnection[]> {
  const files = (await readdir(folder.connections()).catch(() => [])).filter((name) => name.endsWith('.json'));
  const read = files.map(async (name): Promise<SshConnection[]> => {
    const file = join(folder.connections(), name);
    const text = await readPrivateFile(file).catch(() => undefined);
    if (text === undefined) return [];
    try {
      const connection = ConnectionSchema.parse(JSON.parse(text));
      if (isRunning(connection.pid)) return [connection];
    } catch {
      // Not one of ours.
    }
    await rm(file, { force: true });
    return [];
  });
  return (await Promise.all(read)).flat();
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
