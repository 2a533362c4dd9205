import { join } from 'node:path';
import { runProcess } from '../processes.ts';
import type { Profile } from './profile.ts';
import { withoutOuterVsCode } from './server.ts';
import { serverBuild } from './server-build.ts';

const INSTALL_TIMEOUT_MS = 60_000;

/** Installs a packaged extension into the extensions folder of a profile, as a user would. */
export async function installExtension(vsix: string, { userDataDir, extensionsDir }: Profile): Promise<void> {
  const server = join(await serverBuild(), 'out', 'server-main.js');
  const { exitCode, output } = await runProcess(
    process.execPath,
    [
      server,
      '--accept-server-license-terms',
      `--install-extension=${vsix}`,
      `--server-data-dir=${join(userDataDir, 'server')}`,
      `--user-data-dir=${userDataDir}`,
      `--extensions-dir=${extensionsDir}`,
    ],
    { timeoutMs: INSTALL_TIMEOUT_MS, env: withoutOuterVsCode(process.env) },
  );
  if (exitCode !== 0) throw new Error(`VS Code could not install ${vsix}:\n${output}`);
}
