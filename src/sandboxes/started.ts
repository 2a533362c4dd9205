import type { Sandbox } from 'modal';
import type { NamedProfile } from '../profiles/profiles.ts';
import type { Profile } from '../profiles/schema.ts';
import type { Folder } from './folder.ts';
import type { Life, Session } from './session.ts';

/** What was started for a folder and a profile. */
export interface Started {
  readonly name: string;
  readonly folder: Folder;
  readonly profile: Profile;
  readonly sandbox: Promise<Sandbox>;
  taken?: Session['taken'];
}

/** What this window has started or taken: at most one sandbox for a folder and a profile. */
export class StartedSandboxes {
  /** By folder and profile; the one that was used last comes last. */
  readonly #byKey = new Map<string, Started>();
  /** When a sandbox began to live, in milliseconds since 1970. */
  readonly #startedAt = new WeakMap<Sandbox, number>();
  /** When a sandbox was used last, by its id. */
  readonly #usedAt = new Map<string, number>();

  get all(): Started[] {
    return [...this.#byKey.values()];
  }

  get(folder: Folder, profileName: string): Started | undefined {
    return this.#byKey.get(keyOf(folder, profileName));
  }

  /** Sets what was used last. */
  set(started: Started): void {
    const key = keyOf(started.folder, started.name);
    this.#byKey.delete(key);
    this.#byKey.set(key, started);
  }

  forget(started: Started): void {
    for (const [key, each] of this.#byKey) if (each === started) this.#byKey.delete(key);
  }

  clear(): void {
    this.#byKey.clear();
  }

  /** Notes when a sandbox began to live, in milliseconds since 1970. */
  began(sandbox: Sandbox, at: number): void {
    this.#startedAt.set(sandbox, at);
  }

  /** Notes that a sandbox was used, in milliseconds since 1970. */
  used(sandboxId: string, at: number): void {
    this.#usedAt.set(sandboxId, at);
  }

  /** Notes that a sandbox has ended. */
  ended(sandboxId: string): void {
    this.#usedAt.delete(sandboxId);
  }

  /** The folder's sandbox that was used last. */
  async lastOf(folder: Folder): Promise<Sandbox | undefined> {
    return (await this.allOf(folder)).at(-1);
  }

  /** The folder's sandboxes, of all profiles. */
  async allOf(folder: Folder): Promise<Sandbox[]> {
    const own = this.all.filter((each) => each.folder.path === folder.path);
    const sandboxes = await Promise.all(own.map(({ sandbox }) => sandbox.catch(() => undefined)));
    return sandboxes.filter((sandbox) => sandbox !== undefined);
  }

  /** The folder's sandbox of a profile. */
  async of(folder: Folder, profileName: string): Promise<Sandbox | undefined> {
    return this.get(folder, profileName)?.sandbox.catch(() => undefined);
  }

  /** The names of the profiles that the folder has sandboxes of. */
  profilesOf(folder: Folder): string[] {
    return this.all.filter((each) => each.folder.path === folder.path).map(({ name }) => name);
  }

  /** What holds a sandbox. */
  async holding(sandboxId: string): Promise<{ started: Started; sandbox: Sandbox }[]> {
    const looked = this.all.map(async (started) => {
      const sandbox = await started.sandbox.catch(() => undefined);
      return sandbox?.sandboxId === sandboxId ? [{ started, sandbox }] : [];
    });
    return (await Promise.all(looked)).flat();
  }

  /** The sandboxes whose end is known. */
  async lives(): Promise<Life[]> {
    const looked = this.all.map(async ({ folder, name, profile, sandbox: starting }) => {
      const sandbox = await starting.catch(() => undefined);
      const startedAt = sandbox && this.#startedAt.get(sandbox);
      if (!sandbox || startedAt === undefined) return [];
      const usedAt = this.#usedAt.get(sandbox.sandboxId) ?? startedAt;
      const ends = { endsAt: startedAt + profile.timeoutMs, idleAt: usedAt + profile.idleTimeoutMs };
      return [{ folder, named: { name, profile } satisfies NamedProfile, sandbox, ...ends }];
    });
    return (await Promise.all(looked)).flat();
  }
}

function keyOf({ path }: Folder, profileName: string): string {
  return `${path}\0${profileName}`;
}
