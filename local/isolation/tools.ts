import { existsSync } from 'node:fs';

/**
 * Returns the absolute path of a host program, which sandboxes have at the same path. A plain name would be looked up in the
 * command's PATH, which the caller of the command controls.
 */
export function tool(name: string): string {
  const folder = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'].find((each) => existsSync(`${each}/${name}`));
  return folder ? `${folder}/${name}` : name;
}
