import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { writeClientFiles } from '../../../src/ssh/client-files.ts';
import { type NewHost, SshFolder } from '../../../src/ssh/hosts.ts';
import { sshEnv } from '../../helpers/openssh.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function run(program: string, args: readonly string[], input: string | Buffer = ''): Promise<Ended> {
  const child = spawn(program, args, { stdio: 'pipe', env: sshEnv() });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const exit = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [code, stdout, stderr] = await Promise.all([exit, buffer(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}

/** The files for ssh of a user, in a temporary folder with a space and a percent sign in its name. */
export interface SshClient {
  readonly folder: SshFolder;
  /** Adds or replaces a host, and returns its name. */
  put(wanted: string, host: NewHost): Promise<string>;
  /** Runs ssh with our config only. */
  ssh(args: readonly string[], input?: string | Buffer): Promise<Ended>;
  dispose(): Promise<void>;
}

export async function sshClient(): Promise<SshClient> {
  const outer = await mkdtemp(join(tmpdir(), 'ssh client %h-'));
  const folder = new SshFolder(join(outer, "it's ssh"));
  const relay = fileURLToPath(new URL('../../../dist/ssh-relay.cjs', import.meta.url));
  return {
    folder,
    async put(wanted, host) {
      const { name } = await folder.put(wanted, host);
      await writeClientFiles(folder, { editor: process.execPath, relay });
      return name;
    },
    ssh: (args, input) => run('ssh', ['-F', folder.config(), ...args], input),
    dispose: () => rm(outer, { recursive: true, force: true }),
  };
}
