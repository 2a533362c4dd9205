/** The root of a container as overlays: the base and the image's layers below, the container's changes on top. */
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Base } from './base.ts';
import type { ContainerSpec } from './container.ts';

/** Escapes a field of a mount table. */
export const escaped = (file: string) =>
  file.replace(/[\\\s#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);

/**
 * Creates the folders of a container, and returns the lines of the mount table for its root. Paths are relative to the data
 * folder, because they must be short: the kernel accepts at most 4096 bytes of options.
 */
export async function rootOverlays(base: Base, dataFolder: string, spec: ContainerSpec): Promise<string[]> {
  const own = relative(dataFolder, spec.folder);
  const baseFolder = relative(dataFolder, base.folder);
  const lines: string[] = [];
  for (const { name, target, host } of base.trees) {
    const lower = [...spec.layers].reverse().map((layer) => join(relative(dataFolder, layer), name));
    const lowest = [join(baseFolder, name), ...(host ? [host] : [])];
    for (const side of ['up', 'work']) await mkdir(join(spec.folder, side, name), { recursive: true });
    const options = [
      `lowerdir=${[...lower, ...lowest].join(':')}`,
      `upperdir=${join(own, 'up', name)}`,
      `workdir=${join(own, 'work', name)}`,
      'userxattr',
    ];
    lines.push(`overlay ${escaped(join(own, 'root', target))} overlay ${escaped(options.join(','))} 0 0`);
  }
  await mkdir(join(spec.folder, 'root'), { recursive: true });
  return lines;
}
