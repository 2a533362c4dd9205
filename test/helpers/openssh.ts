import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

/** A folder with the unpacked packages of OpenSSH's server and rsync, if they aren't installed. */
const { OPENSSH } = process.env;

/** Returns the environment in which this computer's programs for SSH are found. The client itself must be installed. */
export function sshEnv(): NodeJS.ProcessEnv {
  if (!OPENSSH) return process.env;
  const PATH = `${process.env.PATH}:${join(OPENSSH, 'usr/bin')}`;
  return { ...process.env, PATH, LD_LIBRARY_PATH: globSync(join(OPENSSH, 'usr/lib/*-linux-gnu')).join(':') };
}

/** True if a sandbox can have an SSH server and rsync: this computer's, or those of `serverFiles`. */
export function hasOpenSsh(): boolean {
  const programs = OPENSSH ? ['ssh'] : ['ssh', 'scp', 'sftp', 'sshd', 'rsync'];
  try {
    const script = 'PATH=$PATH:/usr/sbin:/sbin; for name; do command -v "$name" || exit 1; done';
    execFileSync('sh', ['-c', script, 'sh', ...programs], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Returns a tar archive to unpack at the root of a sandbox, so that it has an SSH server. Empty if it has this computer's. */
export function serverFiles(): Buffer {
  return execFileSync(
    'tar',
    ['-c', ...(OPENSSH ? ['-C', OPENSSH, 'usr/sbin', 'usr/bin', 'usr/lib'] : ['-T', '/dev/null'])],
    {
      maxBuffer: 16 * 1024 * 1024,
    },
  );
}
