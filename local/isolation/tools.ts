import { existsSync } from 'node:fs';

/**
 * Absolute path of a program of this machine's userland, which a sandbox has at the same place. By name it would be looked
 * up in the PATH of the command, which is the caller's to set.
 */
export function tool(name: string): string {
  const folder = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'].find((each) => existsSync(`${each}/${name}`));
  return folder ? `${folder}/${name}` : name;
}
