import { UserError } from '../base/errors.ts';
import { MODAL_FILE, type ModalFile, parseProfile } from './modal-file.ts';
import { DEFAULT_PROFILE, type Profile } from './schema.ts';
import { strings } from './strings.ts';

/** The source of profiles from the `modal.profiles` setting. */
export const SETTINGS = 'settings';

/** A profile with its name. */
export interface NamedProfile {
  readonly name: string;
  readonly profile: Profile;
}

/** The profiles that a folder can use: the built-in one, the user's, and the folder's own, which takes precedence. */
export class Profiles {
  readonly #raw: ReadonlyMap<string, { readonly value: unknown; readonly source: string }>;
  readonly #default: string;

  /** `user` is the `modal.profiles` setting; `file` is the folder's modal.json, if there is one. */
  constructor(user: Readonly<Record<string, unknown>>, file?: ModalFile) {
    const of = (entries: Iterable<[string, unknown]>, source: string) =>
      [...entries].map(([name, value]) => [name, { value, source }] as const);
    this.#raw = new Map([
      ...of([[DEFAULT_PROFILE, {}]], 'built in'),
      ...of(Object.entries(user), SETTINGS),
      ...of(file?.profiles ?? [], MODAL_FILE),
    ]);
    this.#default = file?.default && this.#raw.has(file.default) ? file.default : DEFAULT_PROFILE;
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

  /** Returns a profile. Throws `UserError` if it doesn't exist or isn't valid. */
  get(name: string): NamedProfile {
    const profile = this.check(name);
    if (typeof profile !== 'string') return { name, profile };
    const source = this.sourceOf(name);
    if (!source) throw new UserError(strings.unknownProfile(name, this.names.join(', '), MODAL_FILE));
    throw new UserError(
      source === MODAL_FILE
        ? strings.invalidProfile(name, profile, MODAL_FILE)
        : strings.invalidProfileInSettings(name, profile),
    );
  }
}
