import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { parseConfigProfiles } from './accounts.ts';

/** Returns the path of Modal's config file. https://modal.com/docs/reference/modal.config */
export function configFilePath(): string {
  return process.env.MODAL_CONFIG_PATH || join(homedir(), '.modal.toml');
}

/** Reads a config file of Modal. Returns undefined if there is none. */
export async function readConfigFile(path = configFilePath()): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export interface NewProfile {
  readonly tokenId: string;
  readonly tokenSecret: string;
  readonly serverUrl?: string;
}

/**
 * Adds a profile at the end of Modal's config file, which is created for this user only. All else stays as it is. Returns the
 * profile's name, which is another one if the file already has the name. Throws `AccountError` if the file isn't TOML.
 */
export async function addConfigProfile(name: string, profile: NewProfile): Promise<string> {
  const text = (await readConfigFile()) ?? '';
  const taken = new Set(parseConfigProfiles(text).map((each) => each.name));
  let free = name;
  for (let number = 2; taken.has(free); number += 1) free = `${name}-${number}`;
  const { tokenId, tokenSecret, serverUrl } = profile;
  const table = { token_id: tokenId, token_secret: tokenSecret, ...(serverUrl && { server_url: serverUrl }) };
  const separator = text === '' || text.endsWith('\n') ? '' : '\n';
  const file = await open(configFilePath(), constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
  try {
    await file.appendFile(`${separator}\n${stringify({ [free]: table })}`);
  } finally {
    await file.close();
  }
  return free;
}
