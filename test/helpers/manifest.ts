/** The texts of `package.json`, so that tests name what users see by its key. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../scripts/paths.ts';
import type { CommandId } from '../../src/providers/common/command-ids.ts';

const TEXTS = JSON.parse(readFileSync(join(projectFolder, 'package.nls.json'), 'utf8')) as Record<string, string>;

/** Returns the text of a key in `package.nls.json`. Throws when there is none. */
export function manifestText(key: string): string {
  const text = TEXTS[key];
  if (text === undefined) throw new Error(`package.nls.json has no “${key}”.`);
  return text;
}

/** Returns a command's title, as menus show it. */
export function commandTitle(id: CommandId): string {
  return manifestText(`command.${id.slice('modal.'.length)}`);
}

/** Returns a command's entry in the command palette. */
export function paletteTitle(id: CommandId): string {
  return `Modal: ${commandTitle(id)}`;
}
