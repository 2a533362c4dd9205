import { installDebugpy } from '../../debug/install.ts';
import {
  type NeededPackage,
  PackageInstaller,
  type PackageInstallerDependencies,
} from '../common/package-installer.ts';
import { strings } from './strings.ts';

export type DebugInstallerDependencies = PackageInstallerDependencies;

const DEBUGPY: NeededPackage = {
  name: 'debugpy',
  texts: {
    missing: strings.noDebugger,
    missingOffline: strings.noDebuggerOffline,
    install: strings.install,
    addToImage: strings.addToImage,
    added: strings.addedToImage,
    installing: strings.installing,
  },
  install: installDebugpy,
};

/** Offers to install the debugger where it's missing. */
export class DebugInstaller {
  readonly #installer: PackageInstaller;

  constructor(dependencies: DebugInstallerDependencies) {
    this.#installer = new PackageInstaller(dependencies);
  }

  /** Asks where to install the debugger of an interpreter. Resolves with true if the sandbox has it now. Errors are shown. */
  offer(python: string, sandboxId: string | undefined): Promise<boolean> {
    return this.#installer.offer(DEBUGPY, python, sandboxId);
  }
}
