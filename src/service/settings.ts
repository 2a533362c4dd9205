import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { z } from 'zod';
import { parseSettings, type Settings, SettingsError, SettingsSchema } from './settings-schema.ts';
import { strings } from './strings.ts';

/** The settings of a folder that count without a window. The others are the user's own, or are about the editor. */
const FOLDER_SETTINGS: readonly string[] = [
  'modal.app',
  'modal.profiles',
  'modal.runners',
  'modal.sync.root',
  'modal.sync.include',
  'modal.sync.exclude',
];
/** Settings whose values of the user and the folder are merged. */
const MERGED: readonly string[] = ['modal.profiles', 'modal.runners'];

/** The settings of a folder, without a window. */
export interface FolderSettings {
  readonly settings: Settings;
  /** The names of the profiles that the folder's own settings define or change. */
  readonly profilesOfFolder: readonly string[];
  /** The patterns of `modal.sync.include` in the user's own settings. */
  readonly userInclude: readonly string[];
}

type Values = Readonly<Record<string, unknown>>;

/**
 * Reads the user's settings in `settings.json` of the config folder, and those of a folder in `.vscode/settings.json`, which
 * win. Both have VS Code's keys. Throws `SettingsError`.
 */
export async function readFolderSettings(root: string, configFolder: string): Promise<FolderSettings> {
  const [user, all] = await Promise.all([
    readValues(join(configFolder, 'settings.json')),
    readValues(join(root, '.vscode', 'settings.json')),
  ]);
  const own = Object.fromEntries(Object.entries(all).filter(([key]) => FOLDER_SETTINGS.includes(key)));
  const merged = MERGED.flatMap((key) => {
    const values = [user[key], own[key]].filter((value) => typeof value === 'object' && value !== null);
    return values.length > 1 ? [[key, Object.assign({}, ...values)] as const] : [];
  });
  return {
    settings: parseSettings(nested({ ...user, ...own, ...Object.fromEntries(merged) })),
    profilesOfFolder: Object.keys(Object(own['modal.profiles'])),
    userInclude: SettingsSchema.shape.sync.unwrap().shape.include.catch([]).parse(user['modal.sync.include']),
  };
}

async function readValues(path: string): Promise<Values> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined || text.trim() === '') return {};
  const errors: ParseError[] = [];
  const { data } = z.record(z.string(), z.unknown()).safeParse(parse(text, errors, { allowTrailingComma: true }));
  const [error] = errors;
  if (!data || error)
    throw new SettingsError(strings.unreadableSettings(path, error ? printParseErrorCode(error.error) : ''));
  return data;
}

/** Returns the values under `modal.`, as nested objects. */
function nested(values: Values): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    const [first, ...names] = key.split('.');
    const last = names.pop();
    if (first !== 'modal' || last === undefined) continue;
    let at = root;
    for (const name of names) {
      const next = Object.hasOwn(at, name) ? at[name] : undefined;
      const inner = typeof next === 'object' && next !== null ? (next as Record<string, unknown>) : {};
      at[name] = inner;
      at = inner;
    }
    at[last] = value;
  }
  return root;
}
