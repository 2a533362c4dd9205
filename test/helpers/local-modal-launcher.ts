import { fileURLToPath } from 'node:url';
import { LocalModalLauncher } from '../../src/modal/local-modal.ts';

/** Launches the built bundle of Local Modal with a data folder, as the extension does. */
export function launcherFor(dataDir: string): LocalModalLauncher {
  return new LocalModalLauncher(() => ({
    serverPath: fileURLToPath(new URL('../../dist/local-modal.cjs', import.meta.url)),
    dataDir,
    allowUnisolated: false,
    runtime: 'namespaces',
    network: 'host',
  }));
}
