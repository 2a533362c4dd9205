import { existsSync } from 'node:fs';

const FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/**
 * Returns the absolute path of a host program, which sandboxes have at the same path. A plain name would be looked up in the
 * command's PATH, which the caller of the command controls.
 */
export function tool(name: string): string {
  if (name.startsWith('/')) return name;
  return `${FOLDERS.find((folder) => existsSync(`${folder}/${name}`)) ?? FOLDERS[0]}/${name}`;
}
