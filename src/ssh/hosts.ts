import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makePrivateFolder, readPrivateFile, writePrivateFile } from '../base/private-files.ts';
import { NetworkSettingsSchema, networkInUse } from '../modal/network.ts';
import { ALIVE_SECONDS } from './server-script.ts';

/** A name that `ssh` can connect to. Lower case, because ssh makes it so. */
const HostNameSchema = z.string().regex(/^modal-[a-z0-9][a-z0-9.-]{0,80}$/);

/** Everything that a connection needs, without tokens. */
const HostSchema = z.object({
  name: HostNameSchema,
  /** Shown to users: the folder or sandbox. */
  title: z.string(),
  /** The value of `modal.account` at the time. */
  account: z.string().min(1),
  /** The Modal environment, if it isn't the account's default. */
  environment: z.string().optional(),
  app: z.string().min(1),
  /** The sandbox that the window used last. */
  sandboxId: z.string().min(1),
  /** Any sandbox with these tags will do if that one has stopped, the newest first. Without them, there is no other. */
  tags: z.record(z.string(), z.string()).optional(),
  /** The user that the sandbox's commands run as. */
  user: z.string().regex(/^[\w.-]+\$?$/),
  /** Modal's config file, if the account is in it. */
  configPath: z.string().optional(),
  /** The data folder of Local Modal, if that is the account. */
  localModalDir: z.string().optional(),
  aliveSeconds: z.number().int().min(1).default(ALIVE_SECONDS),
  /** The window's own settings, which `ssh` doesn't know. */
  network: NetworkSettingsSchema.optional(),
  /** How long an unused connection stays open. Defaults to the sandbox's idle timeout. */
  idleTimeoutMs: z.number().int().min(1).optional(),
});
export type Host = z.infer<typeof HostSchema>;
export type NewHost = Omit<z.input<typeof HostSchema>, 'name' | 'network'>;

const SUFFIX = '.json';

/** The folder for SSH in the extension's global storage, for this user only. All windows share it. */
export class SshFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The config that `~/.ssh/config` includes. */
  readonly config = () => join(this.path, 'config');
  /** The program that ssh runs to reach a sandbox. */
  readonly launcher = () => join(this.path, process.platform === 'win32' ? 'relay.cmd' : 'relay.sh');
  readonly keyFolder = () => join(this.path, 'key');
  /** Where relays say which sandboxes they are connected to. */
  readonly connections = () => join(this.path, 'connections');
  /** Where windows say how to ask them for something. */
  readonly windows = () => join(this.path, 'windows');
  readonly knownHosts = (name: string) => join(this.path, 'known_hosts', name);
  readonly #hosts = () => join(this.path, 'hosts');

  /** Creates it. Resolves with false if it belongs to another user. */
  create(): Promise<boolean> {
    return makePrivateFolder(this.path);
  }

  /** Returns all hosts by name. Files that can't be read are skipped. */
  async hosts(): Promise<Host[]> {
    const files = (await readdir(this.#hosts()).catch(() => [])).filter((file) => file.endsWith(SUFFIX)).sort();
    const read = files.map((file) => this.host(file.slice(0, -SUFFIX.length)));
    return (await Promise.all(read)).filter((host) => host !== undefined);
  }

  async host(name: string): Promise<Host | undefined> {
    try {
      if (!HostNameSchema.safeParse(name).success) return undefined;
      const host = HostSchema.parse(JSON.parse(await readPrivateFile(join(this.#hosts(), `${name}${SUFFIX}`))));
      return host.name === name ? host : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * Writes a host under the name that it already has, or under the first free one made from `wanted`. Returns it.
   */
  async put(wanted: string, host: NewHost): Promise<Host> {
    const others = await this.hosts();
    const existing = others.find((each) => isSamePlace(each, host));
    const name = existing?.name ?? freeName(wanted, new Set(others.map((each) => each.name)));
    const whole = HostSchema.parse({ ...host, name, network: networkInUse() });
    await writePrivateFile(join(this.#hosts(), `${name}${SUFFIX}`), `${JSON.stringify(whole, undefined, 2)}\n`);
    return whole;
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#hosts(), `${name}${SUFFIX}`), { force: true });
    await rm(this.knownHosts(name), { force: true });
  }

  /** Removes everything but the key. */
  async clear(): Promise<void> {
    for (const path of [this.#hosts(), join(this.path, 'known_hosts'), this.config(), this.launcher()])
      await rm(path, { recursive: true, force: true });
  }
}

/** Two sandboxes of a folder and profile are one place: the later one takes the name of the earlier. */
function isSamePlace(one: NewHost, other: NewHost): boolean {
  if (one.account !== other.account || one.environment !== other.environment || one.app !== other.app) return false;
  if (!one.tags || !other.tags) return !one.tags && !other.tags && one.sandboxId === other.sandboxId;
  return tagKey(one.tags) === tagKey(other.tags);
}

function tagKey(tags: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(tags).sort());
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const base = `modal-${slug(wanted)}`;
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? base : `${base}-${count}`;
    if (!taken.has(name)) return name;
  }
}

function slug(text: string): string {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return (
    plain
      .replace(/[^a-z0-9.]+/g, '-')
      .replace(/^[-.]+/, '')
      .slice(0, 60)
      .replace(/[-.]+$/, '') || 'sandbox'
  );
}
