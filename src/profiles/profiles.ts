import { UserError } from '../base/errors.ts';
import { MODAL_FILE, type ModalFile, parseProfile } from './modal-file.ts';
import { DEFAULT_PROFILE, type Profile, ProfileSchema } from './schema.ts';
import { strings } from './strings.ts';

/** The source of profiles from the `modal.profiles` setting. */
export const SETTINGS = 'settings';

/**
 * Whose choice a profile is: the user's (built in, or in the user's own settings), or that of the folder, whose files define
 * it or select it. What a folder's profile causes is asked about.
 */
export type ProfileOrigin = 'user' | 'folder';

/** A profile with its name. */
export interface NamedProfile {
  readonly name: string;
  readonly profile: Profile;
  readonly origin: ProfileOrigin;
  /** The environment file that isn't used, because the user has refused it. */
  readonly refusedEnvFile?: string;
}

/** The profile that is used without a folder. */
export const BUILT_IN_PROFILE: NamedProfile = {
  name: DEFAULT_PROFILE,
  profile: ProfileSchema.parse({}),
  origin: 'user',
};

/** Profiles from the `modal.profiles` setting. */
export interface SettingsProfiles {
  /** Profiles of all scopes, merged. */
  readonly all: Readonly<Record<string, unknown>>;
  /** The names of those that the settings of a folder or workspace define or change. */
  readonly ofWorkspace?: readonly string[];
}

/** The profiles that a folder can use: the built-in one, the user's, and the folder's own, which takes precedence. */
export class Profiles {
  readonly #raw: ReadonlyMap<string, { readonly value: unknown; readonly source: string }>;
  readonly #ofWorkspace: ReadonlySet<string>;
  readonly #default: string;
  /** The folder's modal.json names the default. */
  readonly #isDefaultOfFolder: boolean;
  readonly #problem: string | undefined;

  /** `file` is the folder's modal.json, if there is one. */
  constructor({ all, ofWorkspace = [] }: SettingsProfiles, file?: ModalFile) {
    const of = (entries: Iterable<[string, unknown]>, source: string) =>
      [...entries].map(([name, value]) => [name, { value, source }] as const);
    this.#raw = new Map([
      ...of([[DEFAULT_PROFILE, {}]], 'built in'),
      ...of(Object.entries(all), SETTINGS),
      ...of(file?.profiles ?? [], MODAL_FILE),
    ]);
    this.#ofWorkspace = new Set(ofWorkspace);
    this.#isDefaultOfFolder = file?.default !== undefined;
    // If that doesn't exist, another one may have quite different hardware.
    this.#default = file?.default ?? DEFAULT_PROFILE;
    this.#problem = file?.problem;
  }

  /** In the order of the picker, with the built-in profile first. */
  get names(): string[] {
    return [...this.#raw.keys()];
  }

  /** Returns the name of the profile in use: the selected one if it exists, otherwise the folder's default. */
  current(chosen: string | undefined): string {
    return chosen !== undefined && this.#raw.has(chosen) ? chosen : this.#default;
  }

  /** Returns where a profile is defined: `built in`, `SETTINGS`, or `MODAL_FILE`. */
  sourceOf(name: string): string | undefined {
    return this.#raw.get(name)?.source;
  }

  /** Returns the profile, or a description of what is wrong with it. */
  check(name: string): Profile | string {
    const raw = this.#raw.get(name);
    return raw ? parseProfile(raw.value) : strings.nonexistent();
  }

  /** Returns the named profile. Throws `UserError` if it doesn't exist or isn't valid. */
  get(name: string): NamedProfile {
    const profile = this.check(name);
    if (typeof profile !== 'string') return { name, profile, origin: this.#definedBy(name) };
    const source = this.sourceOf(name);
    if (!source)
      throw new UserError(strings.unknownProfile(name, this.names.join(', '), MODAL_FILE), {
        actions: ['chooseProfile'],
      });
    throw new UserError(
      source === MODAL_FILE
        ? strings.invalidProfile(name, profile, MODAL_FILE)
        : strings.invalidProfileInSettings(name, profile),
      { actions: ['showProfile'] },
    );
  }

  /**
   * Returns the profile in use: the chosen one if it exists, otherwise the folder's default. Throws as `get` does, and if the
   * folder's modal.json can't be read.
   */
  inUse(chosen: string | undefined): NamedProfile {
    if (this.#problem !== undefined)
      throw new UserError(strings.unusableModalFile(MODAL_FILE, this.#problem), { actions: ['showProfile'] });
    const name = this.current(chosen);
    const named = this.get(name);
    return name !== chosen && this.#isDefaultOfFolder ? { ...named, origin: 'folder' } : named;
  }

  /**
   * Returns a profile that a task or another extension names. It is the user's only if it's also the one in use by the user's
   * choice. Throws as `get` does.
   */
  requested(name: string, chosen: string | undefined): NamedProfile {
    return name === this.current(chosen) ? this.inUse(chosen) : { ...this.get(name), origin: 'folder' };
  }

  #definedBy(name: string): ProfileOrigin {
    return this.sourceOf(name) === MODAL_FILE || this.#ofWorkspace.has(name) ? 'folder' : 'user';
  }
}
