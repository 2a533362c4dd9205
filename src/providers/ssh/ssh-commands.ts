import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { quote } from '../../base/shell.ts';
import { listSandboxes, type SandboxSummary } from '../../modal/sandbox-list.ts';
import { Tag } from '../../modal/sandboxes.ts';
import { folderKey } from '../../sandboxes/sandbox-origin.ts';
import { includeLine } from '../../ssh/client-config.ts';
import type { Host } from '../../ssh/hosts.ts';
import { installServer, sandboxUser } from '../../ssh/sandbox-server.ts';
import { UserConfig } from '../../ssh/user-config.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import { chooseFolder } from '../common/folders.ts';
import { withProgress } from '../common/progress.ts';
import { shown } from '../common/report.ts';
import { window } from '../common/window.ts';
import type { SshDependencies, SshHosts } from './ssh-hosts.ts';
import { strings } from './strings.ts';

/** The extensions that open `ssh-remote` folders: that of Microsoft, and those of editors that can't use it. */
const REMOTE_EXTENSIONS = ['ms-vscode-remote.remote-ssh', 'anysphere.remote-ssh', 'jeanp413.open-remote-ssh'];

/** The commands for SSH. Errors are shown. */
export class SshCommands {
  readonly #dependencies: SshDependencies;
  readonly #hosts: SshHosts;

  constructor(dependencies: SshDependencies, hosts: SshHosts) {
    this.#dependencies = dependencies;
    this.#hosts = hosts;
  }

  /** `modal.openInSsh`: opens a sandbox in a new window, since closing this one would stop the sandbox of its folder. */
  open(row?: SandboxSummary): Promise<void> {
    return shown(async () => {
      const host = await this.#hostOf(row);
      if (!host) return;
      const canOpen = REMOTE_EXTENSIONS.some((id) => vscode.extensions.getExtension(id));
      if (!canOpen || vscode.env.remoteName !== undefined) {
        const command = await this.#command(host);
        const copy = strings.copyCommand();
        if ((await window.showInformationMessage(strings.noRemoteSsh(command), copy)) === copy)
          await vscode.env.clipboard.writeText(command);
        return;
      }
      if (!(await this.#include())) return;
      const uri = vscode.Uri.parse(`vscode-remote://ssh-remote+${host.name}${REMOTE_ROOT}`);
      await vscode.commands.executeCommand('vscode.openFolder', uri, { forceNewWindow: true });
    });
  }

  /** `modal.copySshCommand` */
  copy(row?: SandboxSummary): Promise<void> {
    return shown(async () => {
      const host = await this.#hostOf(row);
      if (!host) return;
      const command = await this.#command(host);
      await vscode.env.clipboard.writeText(command);
      window.setStatusBarMessage(strings.copied(command), 5_000);
    });
  }

  /** `modal.setUpSsh`: makes hosts of all sandboxes that run and have an SSH server, and includes them in the user's config. */
  setUp(): Promise<void> {
    return shown(async () => {
      const names = await withProgress(strings.preparing(), async (signal) => {
        const { client, app } = await this.#dependencies.sessions.connection();
        const running = (await listSandboxes(client, app, new Date())).filter(({ state }) => state === 'running');
        await this.#hosts.keep(new Set(running.map(({ id }) => id)));
        const hosts: string[] = [];
        // The one that is used most recently comes last, and so the name of its folder and profile leads to it.
        for (const { id } of running.reverse()) {
          signal.throwIfAborted();
          const sandbox = await client.sandboxes.fromId(id);
          const user = await sandboxUser(sandbox, signal).catch(() => undefined);
          if (user !== undefined) hosts.push((await this.#hosts.put(sandbox, user)).name);
        }
        await this.#hosts.follow();
        return [...new Set(hosts)];
      });
      if (names.length === 0) throw new UserError(strings.noHosts());
      if (await this.#include()) void window.showInformationMessage(strings.hosts(names.join(', ')));
    });
  }

  /** `modal.removeSshHosts` */
  remove(): Promise<void> {
    return shown(async () => {
      await this.#userConfig().remove();
      await this.#hosts.folder.clear();
      void window.showInformationMessage(strings.removed());
    });
  }

  /** The host of a sandbox, or of the one of the folder. Undefined if it has no SSH server and the user doesn't want one. */
  async #hostOf(row: SandboxSummary | undefined): Promise<Host | undefined> {
    const sandbox = await this.#sandboxOf(row);
    const probe = () => withProgress(strings.connecting(), (signal) => sandboxUser(sandbox, signal));
    let user = await probe();
    if (user === undefined) {
      if (!(await this.#offerServer(sandbox))) return undefined;
      user = await probe();
    }
    if (user === undefined) throw new UserError(strings.noServer());
    return this.#hosts.put(sandbox, user);
  }

  async #sandboxOf(row: SandboxSummary | undefined): Promise<Sandbox> {
    const { sessions } = this.#dependencies;
    if (row) return (await sessions.connection()).client.sandboxes.fromId(row.id);
    const folder = await chooseFolder();
    const sandbox = await sessions.lastSandboxOf(folder);
    if (!sandbox) throw new UserError(strings.noSandboxForFolder(folder.name));
    return sandbox;
  }

  /** Offers to add an SSH server to the sandbox or to its profile. Resolves with true if the sandbox has one now. */
  async #offerServer(sandbox: Sandbox): Promise<boolean> {
    const tags = await sandbox.getTags();
    const { folders, addSsh } = this.#dependencies;
    const folder = folders().find(({ path }) => folderKey(path) === tags[Tag.folder]);
    const profile = tags[Tag.profile];
    const [install, add] = [strings.install(), strings.addToProfile()];
    const buttons = folder && profile ? [install, add] : [install];
    const pressed = await window.showWarningMessage(strings.noServer(), ...buttons);
    if (pressed === add && folder && profile) {
      await addSsh(folder, profile);
      void window.showInformationMessage(strings.addedToProfile(profile));
    }
    if (pressed !== install) return false;
    await withProgress(strings.installing(), (signal) => installServer(sandbox, signal));
    return true;
  }

  /** The command for a terminal on this computer. Without our line in the user's config, it names our own. */
  async #command({ name }: Host): Promise<string> {
    const config = this.#hosts.folder.config();
    const word = process.platform === 'win32' ? `"${config}"` : quote(config);
    return (await this.#defaultConfig().hasLine()) ? `ssh ${name}` : `ssh -F ${word} ${name}`;
  }

  /** Asks for the line in the user's config, unless it's there. Resolves with true if it's there then. */
  async #include(): Promise<boolean> {
    const config = this.#userConfig();
    if (await config.hasLine()) return true;
    const add = strings.addLine();
    const options = { modal: true, detail: strings.includeDetail() };
    if ((await window.showInformationMessage(strings.confirmInclude(config.path), options, add)) !== add) return false;
    await config.add();
    return true;
  }

  /** The config that Remote - SSH is set to read, or else that of ssh. */
  #userConfig(): UserConfig {
    const set = vscode.workspace.getConfiguration('remote.SSH').get<unknown>('configFile');
    if (typeof set !== 'string' || set === '') return this.#defaultConfig();
    return new UserConfig(set.replace(/^~(?=[/\\])/, homedir()), includeLine(this.#hosts.folder));
  }

  #defaultConfig(): UserConfig {
    return new UserConfig(join(homedir(), '.ssh', 'config'), includeLine(this.#hosts.folder));
  }
}
