import { UserError } from '../base/errors.ts';
import { MODAL_FILE, type ModalFile, parseProfile } from './modal-file.ts';
import { DEFAULT_PROFILE, type Profile } from './schema.ts';

/** The source of profiles that are not in the folder's file. */
export const SETTINGS = 'settings';

/** A profile with its name. */
export interface NamedProfile {
  readonly name: string;
  readonly profile: Profile;
}

/** The profiles that a folder can use: the built-in one, the user's, and the folder's, of which the folder's win. */
export class Profiles {
  readonly #raw: ReadonlyMap<string, { readonly value: unknown; readonly source: string }>;
  readonly #default: string;

  /** `user` is the setting `modal.profiles`; `file` the folder's modal.json, where there is one. */
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

  /** In the order of the picker: the built-in one first. */
  get names(): string[] {
    return [...this.#raw.keys()];
  }

  /** The one that is used: the chosen one, as long as there is one of the name, else the folder's default. */
  current(chosen: string | undefined): string {
    return chosen !== undefined && this.#raw.has(chosen) ? chosen : this.#default;
  }

  /** Where a profile is written: `built in`, `SETTINGS`, or the file. */
  sourceOf(name: string): string | undefined {
    return this.#raw.get(name)?.source;
  }

  /** The profile, or why it cannot be used. */
  check(name: string): Profile | string {
    const raw = this.#raw.get(name);
    return raw ? parseProfile(raw.value) : 'does not exist';
  }

  /** Throws `UserError` when there is no profile of the name, or it cannot be used. */
  get(name: string): NamedProfile {
    const profile = this.check(name);
    if (typeof profile !== 'string') return { name, profile };
    const source = this.sourceOf(name);
    if (!source)
      throw new UserError(
        `There is no profile “${name}”. Choose one of ${this.names.join(', ')}, or add it to ${MODAL_FILE}.`,
      );
    const place = source === MODAL_FILE ? MODAL_FILE : 'the setting modal.profiles';
    throw new UserError(`The profile “${name}” cannot be used: ${profile}. Mend it in ${place}, then run again.`);
  }
}
