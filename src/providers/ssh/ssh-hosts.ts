import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { type Account, PROFILE_PREFIX } from '../../modal/accounts.ts';
import { configFilePath } from '../../modal/config-file.ts';
import { Tag } from '../../modal/sandboxes.ts';
import { DEFAULT_PROFILE } from '../../profiles/schema.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { folderKey, machineKey } from '../../sandboxes/sandbox-origin.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { writeClientFiles } from '../../ssh/client-files.ts';
import { type Host, SshFolder } from '../../ssh/hosts.ts';
import { WindowRequests } from '../../ssh/windows.ts';
import { type SshStartDependencies, startOf } from './ssh-start.ts';

export interface SshDependencies extends SshStartDependencies {
  /** Returns the account that a value of `modal.account` refers to. */
  readonly account: { of(choice: string): Promise<Account> };
  /** The folder for keys, hosts, and configs, which all windows share. */
  readonly path: string;
  /** The data folder of Local Modal. */
  readonly localModalDir: string;
  readonly extensionPath: string;
  /** Adds an SSH server to a profile of a folder. */
  readonly addSsh: (folder: Folder, profileName: string) => Promise<void>;
}

/** The tags by which the sandboxes of a folder and profile are found. */
const PLACE_TAGS = [Tag.folder, Tag.machine, Tag.profile] as const;

/** The hosts that `ssh` knows, as files that all windows share. Keeps them up to date while this window is open. */
export class SshHosts {
  readonly folder: SshFolder;
  readonly #sessions: Sessions;
  readonly #requests: WindowRequests;
  readonly #localModalDir: string;
  readonly #programs: { readonly editor: string; readonly relay: string };

  constructor(dependencies: SshDependencies) {
    const { sessions, account, path, localModalDir, extensionPath } = dependencies;
    this.folder = new SshFolder(path);
    this.#sessions = sessions;
    this.#requests = new WindowRequests(this.folder, {
      account: (choice) => account.of(choice),
      startOf: async (name) => {
        const host = await this.folder.host(name);
        return host && startOf(host, dependencies);
      },
    });
    this.#localModalDir = localModalDir;
    this.#programs = { editor: process.execPath, relay: join(extensionPath, 'dist', 'ssh-relay.cjs') };
  }

  /** Updates the paths of the editor and the extension, which may have been updated. Does nothing if there are no hosts. */
  async refresh(): Promise<void> {
    const hosts = await this.folder.hosts();
    if (hosts.length > 0) await this.#write();
  }

  /** Adds a sandbox, or makes it the one that the host of its folder and profile leads to. */
  async put(sandbox: Sandbox, user: string): Promise<Host> {
    const { account, app } = await this.#sessions.connection();
    const all = await sandbox.getTags();
    const isOfFolder = all[Tag.machine] === machineKey() && PLACE_TAGS.every((tag) => all[tag]);
    const title = all[Tag.label] || all[Tag.folderName] || sandbox.sandboxId;
    const profile = all[Tag.profile] === DEFAULT_PROFILE ? '' : ` ${all[Tag.profile] ?? ''}`;
    const host = await this.folder.put(isOfFolder ? `${all[Tag.folderName] ?? title}${profile}` : title, {
      title,
      account: account.choice ?? '',
      ...(account.environment !== undefined && { environment: account.environment }),
      app: app.name ?? '',
      sandboxId: sandbox.sandboxId,
      user,
      ...(isOfFolder && { tags: Object.fromEntries(PLACE_TAGS.map((tag) => [tag, all[tag] ?? ''])) }),
      ...(account.isLocal && { localModalDir: this.#localModalDir }),
      ...(account.choice?.startsWith(PROFILE_PREFIX) && { configPath: configFilePath() }),
    });
    await this.#write();
    return host;
  }

  /** Lets the hosts of this window's folders lead to the sandboxes that it uses now. */
  async follow(): Promise<void> {
    const hosts = await this.folder.hosts();
    if (!hosts.some(({ tags }) => tags)) return;
    for (const { folder, named, sandbox } of await this.#sessions.lifetimes()) {
      const key = folderKey(folder.path);
      const found = hosts.find(
        ({ tags }) =>
          tags?.[Tag.folder] === key && tags[Tag.profile] === named.name && tags[Tag.machine] === machineKey(),
      );
      if (found && found.sandboxId !== sandbox.sandboxId)
        await this.folder.put(found.name, { ...found, sandboxId: sandbox.sandboxId });
    }
  }

  /** Removes the hosts of single sandboxes that no longer run. */
  async keep(running: ReadonlySet<string>): Promise<void> {
    for (const { name, tags, sandboxId } of await this.folder.hosts())
      if (!tags && !running.has(sandboxId)) await this.folder.remove(name);
  }

  async #write(): Promise<void> {
    await writeClientFiles(this.folder, this.#programs);
    await this.#requests.serve();
  }

  dispose(): Promise<void> {
    return this.#requests.dispose();
  }
}
