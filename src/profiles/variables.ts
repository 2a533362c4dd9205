import { readFile } from 'node:fs/promises';
import { UserError } from '../base/errors.ts';
import { resolveInFolder } from '../base/inside-folder.ts';
import { parseEnvFile } from './env-file.ts';
import { isModalToken } from './fields.ts';
import { HOST_VOLUME_PATH, imageOf, type Profile } from './schema.ts';
import { strings } from './strings.ts';

/** Places the caches of tools on the host volume, so that the next sandbox can use them. */
const CACHES: Readonly<Record<string, string>> = {
  PIP_CACHE_DIR: `${HOST_VOLUME_PATH}/.cache/pip`,
  UV_CACHE_DIR: `${HOST_VOLUME_PATH}/.cache/uv`,
  // By default, uv links files from its cache, which doesn't work across volumes.
  UV_LINK_MODE: 'copy',
  npm_config_cache: `${HOST_VOLUME_PATH}/.cache/npm`,
  HF_HOME: `${HOST_VOLUME_PATH}/.cache/huggingface`,
};

/**
 * Reads the variables of a profile's `envFile`, if it has one, except tokens of a Modal account. Throws `UserError` if the
 * file can't be read.
 */
export async function readEnvFile({ envFile, env }: Profile, folderPath: string): Promise<Record<string, string>> {
  if (envFile === undefined) return {};
  try {
    const variables = parseEnvFile(envFile, await readFile(resolveInFolder(folderPath, envFile)), env);
    return Object.fromEntries(Object.entries(variables).filter(([name]) => !isModalToken(name)));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(strings.unreadableEnvFile(envFile), { cause: error, actions: ['showProfile'] });
  }
}

/**
 * Returns the variables of a profile whose values may be secret: those of its environment file, of its build, and its own.
 * What can't be read is skipped.
 */
export async function possibleSecrets(
  profile: Profile,
  folderPath: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly fromFile: Record<string, string>; readonly others: Record<string, string | undefined> }> {
  const fromFile = await readEnvFile(profile, folderPath).catch(() => ({}));
  const ofBuild = imageOf(profile).buildSecrets.map((name) => [name, environment[name]]);
  return { fromFile, others: { ...Object.fromEntries(ofBuild), ...profile.env } };
}

/** Returns the environment of programs in the sandbox. `env` overrides the environment file, which overrides the caches. */
export function sandboxVariables(profile: Profile, fromFile: Readonly<Record<string, string>>): Record<string, string> {
  return { ...(profile.hostVolume && CACHES), ...fromFile, ...profile.env };
}

/**
 * Returns the values of the image's `buildSecrets`, from the environment file or the local environment. Throws `UserError`
 * with the name of a variable that isn't set. Messages never contain values.
 */
export function buildVariables(
  profile: Profile,
  fromFile: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    imageOf(profile).buildSecrets.map((name) => {
      const value = fromFile[name] ?? environment[name];
      if (value !== undefined) return [name, value];
      throw new UserError(strings.missingBuildVariable(name), { actions: ['showProfile'] });
    }),
  );
}
