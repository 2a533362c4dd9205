import { UserError } from '../base/errors.ts';
import { parseProfile } from '../profiles/modal-file.ts';
import type { NamedProfile, Profiles } from '../profiles/profiles.ts';
import { readProfiles } from '../profiles/read.ts';
import type { FolderSettings } from './settings.ts';
import { strings } from './strings.ts';

/** Values of profile keys that are used instead of the profile's, such as `gpu` and `h100`. */
export type BuildArguments = Readonly<Record<string, unknown>>;

/** Returns the profiles that a folder can use. Throws `UserError` if its modal.json can't be read. */
export function profilesOf(root: string, { settings, profilesOfFolder }: FolderSettings): Promise<Profiles> {
  return readProfiles(root, { all: settings.profiles, ofWorkspace: profilesOfFolder });
}

/** Parses `key=value` build arguments. Values are JSON or text: `gpu=h100`, `cpu=2`, `offline=true`. Throws `UserError`. */
export function parseBuildArguments(texts: readonly string[]): BuildArguments {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new UserError(strings.invalidBuildArgument(text));
      return [text.slice(0, at), parseValue(text.slice(at + 1))];
    }),
  );
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Returns a profile with other values for some keys, under a name of its own, because it has a sandbox of its own. Throws
 * `UserError` if the values aren't valid.
 */
export function withBuildArguments(named: NamedProfile, values: BuildArguments): NamedProfile {
  const entries = Object.entries(values);
  if (entries.length === 0) return named;
  const { idleTimeoutMs, timeoutMs } = named.profile;
  const lifetimeMs = values.timeoutMs ?? timeoutMs;
  // A shorter lifetime takes precedence over the profile's idle timeout.
  const idle =
    idleTimeoutMs !== undefined && typeof lifetimeMs === 'number' ? Math.min(idleTimeoutMs, lifetimeMs) : idleTimeoutMs;
  const profile = parseProfile({ ...named.profile, ...(idle !== undefined && { idleTimeoutMs: idle }), ...values });
  const list = entries.map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  if (typeof profile === 'string') throw new UserError(strings.invalidBuildArguments(list.join(' '), profile));
  return { ...named, name: `${named.name} (${list.sort().join(', ')})`.slice(0, 63), profile };
}
