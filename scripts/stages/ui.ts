import { join } from 'node:path';
import { projectFolder } from '../paths.ts';
import { runProcess } from '../processes.ts';
import { installExtension } from '../vscode/install-extension.ts';
import { type TemporaryProfile, temporaryProfile } from '../vscode/profile.ts';
import { groupsOf, type TestJob } from './in-parallel.ts';
import { mochaInNode } from './mocha-in-node.ts';
import type { Stage } from './stage.ts';
import { testFiles } from './test-files.ts';

const PACK_TIMEOUT_MS = 180_000;

/** Tests of the packaged extension as users see it: installed, in the workbench in a browser. */
export const ui: Stage = {
  name: 'ui',
  title: 'UI tests (packaged extension, mouse and keyboard)',
  needsBuild: false,
  jobs: async ({ files, grep }) => {
    const groups = groupsOf(testFiles('test/ui', files), String);
    const env = { INSTALLED_EXTENSIONS: (await installPacked()).extensionsDir };
    return groups.map(
      ([, ofJob]): TestJob =>
        (write) =>
          mochaInNode({ files: ofJob, grep, testTimeoutMs: 240_000, timeoutMs: 1_200_000, env, write }),
    );
  },
};

/** Returns a profile with the packed extension. It's removed when this process exits. */
async function installPacked(): Promise<TemporaryProfile> {
  const profile = await temporaryProfile({});
  await installExtension(await packed(join(profile.folder, 'extension.vsix')), profile);
  return profile;
}

/** Packages the extension in a separate process, because its long output matters only if it fails. */
async function packed(path: string): Promise<string> {
  const script = join(projectFolder, 'scripts', 'package.ts');
  const { exitCode, output } = await runProcess(process.execPath, [script, path], {
    cwd: projectFolder,
    timeoutMs: PACK_TIMEOUT_MS,
  });
  if (exitCode !== 0) throw new Error(`Could not package the extension:\n${output}`);
  return path;
}
