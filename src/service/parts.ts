import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../base/private-files.ts';
import { reportUnsaved } from '../base/unsaved.ts';
import { buildImage } from '../images/build.ts';
import { StoredImages } from '../images/stored-images.ts';
import { LocalModalLauncher } from '../modal/local-modal.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import { keepOf } from '../profiles/schema.ts';
import { Budget } from '../sandboxes/cost/budget.ts';
import { type Folder, syncedFolder } from '../sandboxes/folder.ts';
import { Permissions } from '../sandboxes/permissions/permissions.ts';
import { PermissionStore } from '../sandboxes/permissions/store.ts';
import { syncConsent } from '../sandboxes/permissions/sync-consent.ts';
import type { BuildImage } from '../sandboxes/sandbox-spec.ts';
import { SharedSandboxes } from '../sandboxes/shared-sandboxes.ts';
import { ServiceAccount } from './account.ts';
import { createCore, createMemory } from './core.ts';
import { type BuildArguments, profilesOf, withBuildArguments } from './profiles.ts';
import type { Questions } from './questions.ts';
import type { FolderSettings } from './settings.ts';

export interface PartsOptions {
  /** The workspace folder. An absolute path without links. */
  readonly root: Folder;
  readonly settings: FolderSettings;
  /** The folder for everything that is remembered. */
  readonly stateFolder: string;
  /** The folder with the bundle of Local Modal. */
  readonly distFolder: string;
  /** The account, as a value of `modal.account`. */
  readonly account: string;
  /** The profile that the user has chosen; undefined for the folder's default. */
  readonly profile: string | undefined;
  readonly build: BuildArguments;
  readonly questions: Questions;
  /** Receives the logs of image builds. */
  onBuildLog?(text: string): void;
}

/** The same parts that the extension consists of, put together without VS Code. */
export type Parts = ReturnType<typeof createParts>;

export function createParts({ root, settings: folderSettings, questions, ...options }: PartsOptions) {
  const { settings, userInclude } = folderSettings;
  const storage = (name: string) => join(options.stateFolder, name);
  const folder = syncedFolder(root, settings.sync.root);
  const localModal = new LocalModalLauncher(() => ({
    serverPath: join(options.distFolder, 'local-modal.cjs'),
    dataDir: storage('local-modal'),
    ...settings.localModal,
    keepsSandboxes: true,
  }));
  const account = new ServiceAccount(options.account, () => localModal.account());
  const memory = createMemory(storage('machine'));
  const budget = new Budget({
    spend: memory.spend,
    limits: () => ({ perDayUsd: settings.budget.perDay, perHourUsd: settings.budget.perHour }),
    confirm: ({ summary }) => questions.ofBudget(summary),
  });
  const answers = new PermissionStore(memory.machine);
  const permissions = new Permissions(answers, questions.ofProfile);
  const profiles = () => profilesOf(root.path, folderSettings);
  const profile = async (_folder: Folder, name?: string): Promise<NamedProfile> => {
    const all = await profiles();
    const chosen = name ?? options.profile;
    if (chosen !== undefined && !all.names.includes(chosen)) all.get(chosen);
    const named = withBuildArguments(withoutWindow(all.inUse(chosen)), options.build);
    const accountId = await account.id().catch(() => undefined);
    return accountId === undefined ? named : permissions.applied({ root: root.path, accountId, named });
  };
  const build: BuildImage = async (image, context, finish) => {
    const { onBuildLog } = options;
    const watch = { signal: context.signal, ...(onBuildLog && { onLog: onBuildLog }) };
    const built = await buildImage(image, { store: imageStore(storage('images.json')), ...context, ...watch });
    return finish ? finish(built, watch) : built;
  };
  const core = createCore({
    ...memory,
    storage,
    account,
    budget,
    profile,
    profileRoot: () => root.path,
    userInclude: () => userInclude,
    rules: () => settings.sync,
    starter: {
      gate: permissions,
      app: () => settings.app,
      buildImage: build,
      shared: new SharedSandboxes(memory.machine),
    },
    syncs: { consent: (of, recipient) => syncConsent(permissions, root.path, of, recipient) },
    savesAutomatically: () => settings.savePoints.automatic,
    records: { isShortLived: true },
  });
  return { ...core, root, folder, settings, account, answers, localModal, profiles, profile, ask: questions.ofSync };
}

/** Returns a profile without what only a window does: keep sandboxes running, and move to new ones. */
function withoutWindow(named: NamedProfile): NamedProfile {
  const { warm: _, ...profile } = named.profile;
  return { ...named, profile: { ...profile, keep: keepOf(named.profile), carryOver: false } };
}

/** Remembers images in a file. */
function imageStore(path: string): StoredImages {
  return new StoredImages({
    read: () => {
      try {
        return JSON.parse(readFileSync(path, 'utf8'));
      } catch {
        return undefined;
      }
    },
    write: (images) => void writePrivateFile(path, JSON.stringify(images)).catch(reportUnsaved),
  });
}
