import type { Sandbox } from 'modal';
import type { Folder } from '../../sandboxes/folder.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { withProgress } from './progress.ts';
import { shown } from './report.ts';
import { window } from './window.ts';

export interface PackageInstallerDependencies {
  readonly sessions: Sessions;
  /** Adds a Python package to the image of a profile. */
  readonly addPackage: (folder: Folder, profileName: string, name: string) => Promise<void>;
}

/** A Python package that a feature needs in the sandbox, with what the user reads about it. */
export interface NeededPackage {
  readonly name: string;
  readonly texts: {
    missing(): string;
    missingOffline(): string;
    install(): string;
    addToImage(): string;
    added(profile: string): string;
    installing(): string;
  };
  install(sandbox: Sandbox, python: string, signal: AbortSignal): Promise<void>;
}

/** Offers to install a package where it's missing. */
export class PackageInstaller {
  readonly #dependencies: PackageInstallerDependencies;

  constructor(dependencies: PackageInstallerDependencies) {
    this.#dependencies = dependencies;
  }

  /** Asks where to install a package for an interpreter. Resolves with true if the sandbox has it now. Errors are shown. */
  async offer(needed: NeededPackage, python: string, sandboxId: string | undefined): Promise<boolean> {
    return (await shown(() => this.#offer(needed, python, sandboxId))) ?? false;
  }

  async #offer(
    { name, texts, install }: NeededPackage,
    python: string,
    sandboxId: string | undefined,
  ): Promise<boolean> {
    if (sandboxId === undefined) return false;
    const { sessions, addPackage } = this.#dependencies;
    const owner = await sessions.ownerOf(sandboxId);
    const isOffline = owner && (await sessions.profile(owner.folder, owner.profile)).profile.offline;
    const [here, add] = [texts.install(), texts.addToImage()];
    const message = isOffline ? texts.missingOffline() : texts.missing();
    const buttons = [...(isOffline ? [] : [here]), ...(owner ? [add] : [])];
    const pressed = await window.showWarningMessage(message, ...buttons);
    if (pressed === add && owner) {
      await addPackage(owner.folder, owner.profile, name);
      void window.showInformationMessage(texts.added(owner.profile));
    }
    if (pressed !== here) return false;
    const sandbox = await sessions.find(sandboxId);
    await withProgress(texts.installing(), (signal) => install(sandbox, python, signal));
    return true;
  }
}
