import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'dotenv';
import { UserError } from '../base/errors.ts';
import { HOST_VOLUME_PATH, imageOf, type Profile } from './schema.ts';

/** Where tools keep what they have downloaded, so that the next sandbox has it too. */
const CACHES: Readonly<Record<string, string>> = {
  PIP_CACHE_DIR: `${HOST_VOLUME_PATH}/.cache/pip`,
  UV_CACHE_DIR: `${HOST_VOLUME_PATH}/.cache/uv`,
  // uv links from its cache otherwise, which it cannot do from a volume.
  UV_LINK_MODE: 'copy',
  npm_config_cache: `${HOST_VOLUME_PATH}/.cache/npm`,
  HF_HOME: `${HOST_VOLUME_PATH}/.cache/huggingface`,
};

/** The variables of a profile's `envFile`; none where it names none. Throws `UserError` when it cannot be read. */
export async function readEnvFile({ envFile }: Profile, folderPath: string): Promise<Record<string, string>> {
  if (envFile === undefined) return {};
  try {
    return parse(await readFile(join(folderPath, envFile)));
  } catch (error) {
    throw new UserError(`The env file “${envFile}” of the profile cannot be read. Make it, or leave \`envFile\` out.`, {
      cause: error,
    });
  }
}

/** What programs in the sandbox see: the caches' places, over them the env file, over it `env`. */
export function sandboxVariables(profile: Profile, fromFile: Readonly<Record<string, string>>): Record<string, string> {
  return { ...(profile.hostVolume && CACHES), ...fromFile, ...profile.env };
}

/**
 * The values of the image's `buildSecrets`: from the env file, else from this machine's environment. Throws `UserError`
 * that names the one that is nowhere; values are in no message.
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
      throw new UserError(
        `The image’s build needs the variable ${name}, which is neither in the env file nor set on this machine. Set it, or leave it out of \`buildSecrets\`.`,
      );
    }),
  );
}
