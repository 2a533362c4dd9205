import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { formatUsd, type Prices } from '../../modal/prices.ts';
import { addProfile, mountInProfile, setInProfile } from '../../profiles/edit.ts';
import { GPUS } from '../../profiles/gpus.ts';
import { describeHardware, hardwareOf } from '../../profiles/hardware.ts';
import { DEFAULT_PYTHON } from '../../profiles/image-schema.ts';
import { MODAL_FILE } from '../../profiles/modal-file.ts';
import { type Profiles, SETTINGS } from '../../profiles/profiles.ts';
import { type Profile, ProfileSchema } from '../../profiles/schema.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { chooseFolder } from '../common/folders.ts';
import { shown } from '../common/progress.ts';
import { type FolderProfiles, profileRoot } from './folder-profiles.ts';

const NEW_PROFILE = 'New Profile…';
const REPLACE = 'Replace Sandbox';

interface ProfileItem extends vscode.QuickPickItem {
  readonly profile?: string;
}

export interface WarmCounts {
  /** The number of warm sandboxes for a folder's profile. */
  count(folder: Folder, profileName: string): number;
}

/** The commands about profiles. What goes wrong is shown. */
export class ProfileCommands {
  readonly #profiles: FolderProfiles;
  readonly #sessions: Sessions;
  readonly #warm: WarmCounts;

  constructor(profiles: FolderProfiles, sessions: Sessions, warm: WarmCounts) {
    this.#profiles = profiles;
    this.#sessions = sessions;
    this.#warm = warm;
  }

  /** `modal.chooseProfile`: the folder's next runs use what is picked. Resolves with its name. */
  choose(uri?: vscode.Uri): Promise<string | undefined> {
    return shown(async () => {
      const folder = await chooseFolder(uri);
      const profiles = await this.#profiles.of(folder);
      const current = await this.#profiles.current(folder);
      const running = this.#sessions.profilesOf(folder);
      // The pick begins at its first item.
      const names = [current, ...profiles.names.filter((name) => name !== current)];
      const items: ProfileItem[] = names.map((name) =>
        itemOf(name, profiles, {
          current,
          running,
          warm: this.#warm.count(folder, name),
          prices: this.#sessions.prices,
        }),
      );
      const picked = await vscode.window.showQuickPick(
        [...items, { label: '', kind: vscode.QuickPickItemKind.Separator }, { label: `$(add) ${NEW_PROFILE}` }],
        {
          title: 'Modal: Choose Profile',
          placeHolder: `Sandboxes of “${folder.name}” are started from it`,
          matchOnDetail: true,
        },
      );
      if (!picked) return undefined;
      if (picked.profile === undefined) return this.#create(folder);
      await this.#profiles.choose(folder, picked.profile);
      return picked.profile;
    });
  }

  /** `modal.newProfile`: asks for name, image and hardware, and writes them to the folder's modal.json. */
  create(): Promise<string | undefined> {
    return shown(async () => this.#create(await chooseFolder()));
  }

  /** `modal.replaceSandbox`: ends the sandbox of the folder's profile; the next run starts one anew. */
  replace(folder?: Folder, profile?: string): Promise<void> {
    return shown(async () => {
      const target = folder ?? (await chooseFolder());
      const name = profile ?? (await this.#profiles.current(target));
      const ended = await this.#sessions.end(target, name);
      const next = 'The next run starts a new one.';
      void vscode.window.showInformationMessage(
        ended
          ? `The sandbox of the profile “${name}” is ending. ${next}`
          : `No sandbox of the profile “${name}” runs. ${next}`,
      );
    });
  }

  /** Tells that running sandboxes are older than their profiles, and offers to replace them. */
  async offerReplacement(): Promise<void> {
    for (const { folder, profile } of await this.#sessions.outdated()) {
      const question = `The profile “${profile}” has changed; its sandbox is still the old one.`;
      void vscode.window.showInformationMessage(question, REPLACE).then((pressed) => {
        if (pressed === REPLACE) void this.replace(folder, profile);
      });
    }
  }

  /** Has a profile keep a sandbox ready: writes it where the profile is, in the settings or the folder's modal.json. */
  async keepWarm(folder: Folder, name: string): Promise<void> {
    if ((await this.#profiles.of(folder)).sourceOf(name) === SETTINGS) return keepWarmInSettings(name);
    await this.#edit(folder, (text) => setInProfile(text, name, 'warm', { sandboxes: 1 }));
  }

  /** `modal.mountInProfile`: sandboxes of the folder's profile have a volume from the next one on. Resolves with where. */
  mount(volume: string): Promise<string | undefined> {
    return shown(async () => {
      const folder = await chooseFolder();
      const name = await this.#profiles.current(folder);
      if ((await this.#profiles.of(folder)).sourceOf(name) === SETTINGS) {
        const where = `"volumes": { "/mnt/${volume}": "${volume}" }`;
        throw new UserError(`The profile “${name}” is in the setting modal.profiles. Write ${where} there.`);
      }
      const path = await vscode.window.showInputBox({
        title: `Mount “${volume}” in the Profile “${name}”`,
        prompt: 'Where its files are in sandboxes',
        value: `/mnt/${volume}`,
        validateInput: (text) => (/^\/[^/]/.test(text) ? undefined : 'A path from the root, such as /mnt/data.'),
      });
      if (!path) return undefined;
      const file = await this.#edit(folder, (text) => mountInProfile(text, name, path, volume));
      await vscode.window.showTextDocument(vscode.Uri.file(file), { preserveFocus: true });
      return path;
    });
  }

  /** Changes the folder's modal.json, which is made where there is none. Resolves with its path. */
  async #edit(folder: Folder, change: (text: string) => string): Promise<string> {
    const file = join(profileRoot(folder), MODAL_FILE);
    const before = existsSync(file) ? await readFile(file, 'utf8') : '';
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, change(before));
    return file;
  }

  async #create(folder: Folder): Promise<string | undefined> {
    const root = profileRoot(folder);
    const { names } = await this.#profiles.of(folder);
    const name = await vscode.window.showInputBox({
      title: 'Modal: New Profile (1/3)',
      prompt: 'A name for it, such as “gpu”',
      validateInput: (text) =>
        text.trim() === ''
          ? 'A profile needs a name.'
          : names.includes(text.trim())
            ? `There is a profile “${text.trim()}” already.`
            : undefined,
      ignoreFocusOut: true,
    });
    if (!name) return undefined;
    const image = await askImage(root);
    if (!image) return undefined;
    const hardware = await askHardware(this.#sessions.prices);
    if (!hardware) return undefined;
    const file = await this.#edit(folder, (text) => addProfile(text, name.trim(), { ...image, ...hardware }));
    await this.#profiles.choose(folder, name.trim());
    const document = await vscode.workspace.openTextDocument(file);
    const offset = document.getText().indexOf(JSON.stringify(name.trim()));
    const range = new vscode.Range(document.positionAt(offset), document.positionAt(offset));
    await vscode.window.showTextDocument(document, { selection: range });
    return name.trim();
  }
}

function itemOf(
  name: string,
  profiles: Profiles,
  { current, running, warm, prices }: { current: string; running: readonly string[]; warm: number; prices: Prices },
): ProfileItem {
  const profile = profiles.check(name);
  const label = `${name === current ? '$(check) ' : ''}${name}`;
  if (typeof profile === 'string')
    return {
      profile: name,
      label,
      description: '$(error) cannot be used',
      detail: `${profile} (${profiles.sourceOf(name)})`,
    };
  const price = prices.perHourUsd(hardwareOf(profile));
  const cost = price === undefined ? undefined : `${formatUsd(price)}/h`;
  const state = [
    running.includes(name) ? '$(vm-running) running' : undefined,
    warm > 0 ? `$(flame) ${warm} ready` : undefined,
  ];
  return {
    profile: name,
    label,
    description: [describeHardware(profile), cost, ...state].filter(Boolean).join(' · '),
    detail: [profile.description, imageWords(profile), profiles.sourceOf(name)].filter(Boolean).join(' · '),
  };
}

function imageWords({ image }: Profile): string {
  if (image === undefined) return 'base image';
  if (typeof image === 'string') return image;
  return (
    image.registry ??
    image.dockerfile ??
    image.name ??
    image.snapshot ??
    `base image, Python ${image.python ?? DEFAULT_PYTHON}`
  );
}

/** Part of a profile; undefined when the user has left the question. */
type Part = Partial<Record<keyof Profile, unknown>>;

async function askImage(root: string): Promise<Part | undefined> {
  const dockerfiles = readdirSync(root).filter((name) => /^(Dockerfile|.*\.dockerfile|Dockerfile\..*)$/i.test(name));
  const tag = 'Registry Tag…';
  const items: (vscode.QuickPickItem & { part?: Part })[] = [
    { label: 'Base Image', description: `Debian, Python ${DEFAULT_PYTHON}, git, curl, a compiler`, part: {} },
    ...dockerfiles.map((dockerfile) => ({
      label: dockerfile,
      description: 'of this folder',
      part: { image: { dockerfile } },
    })),
    ...['requirements.txt', 'uv.lock']
      .filter((file) => existsSync(join(root, file)))
      .map((pipFrom) => ({
        label: `Base Image with ${pipFrom}`,
        description: 'the folder’s Python packages are in it',
        part: { image: { pipFrom } },
      })),
    { label: tag, description: 'such as pytorch/pytorch' },
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Modal: New Profile (2/3)',
    placeHolder: 'The image that its sandboxes start from',
    ignoreFocusOut: true,
  });
  if (!picked || picked.part) return picked?.part;
  const image = await vscode.window.showInputBox({
    title: 'Modal: New Profile (2/3)',
    prompt: 'The tag of an image in a registry',
    placeHolder: 'python:3.13-slim',
    ignoreFocusOut: true,
  });
  return image?.trim() ? { image: image.trim() } : undefined;
}

async function askHardware(prices: Prices): Promise<Part | undefined> {
  const machines: Part[] = [{}, { cpu: 2, memoryMiB: 4096 }, { cpu: 8, memoryMiB: 32_768 }];
  const gpus: Part[] = Object.keys(GPUS).map((gpu) => ({ gpu }));
  const items = [...machines, ...gpus].map((part) => {
    const profile = ProfileSchema.parse(part);
    const price = prices.perHourUsd(hardwareOf(profile));
    return {
      part,
      label: describeHardware(profile),
      description: price === undefined ? 'price not known' : `about ${formatUsd(price)}/h`,
    };
  });
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Modal: New Profile (3/3)',
    placeHolder: 'The hardware; estimated prices',
    ignoreFocusOut: true,
  });
  return picked?.part;
}

/** Profiles of several scopes are merged by VS Code; the innermost one that has the profile is changed. */
async function keepWarmInSettings(name: string): Promise<void> {
  const settings = vscode.workspace.getConfiguration('modal');
  const { workspaceValue, globalValue } = settings.inspect<Record<string, object>>('profiles') ?? {};
  const [value, target] = workspaceValue?.[name]
    ? [workspaceValue, vscode.ConfigurationTarget.Workspace]
    : [globalValue, vscode.ConfigurationTarget.Global];
  await settings.update('profiles', { ...value, [name]: { ...value?.[name], warm: { sandboxes: 1 } } }, target);
}
