import { join } from 'node:path';
import { projectFolder } from '../paths.ts';
import { runProcess } from '../processes.ts';
import { installExtension } from '../vscode/install-extension.ts';
import { temporaryProfile } from '../vscode/profile.ts';
import { mochaInNode } from './mocha-in-node.ts';
import { groupsOf, sideBySide, type TestJob } from './side-by-side.ts';
import type { Stage } from './stage.ts';
import { testFiles } from './test-files.ts';

const PACK_TIMEOUT_MS = 180_000;

/** What a person sees and presses: the packed extension, installed, in the workbench in a browser. */
export const ui: Stage = {
  name: 'ui',
  title: 'UI tests (the packed extension, by mouse and keyboard)',
  needsBuild: false,
  run: async ({ files, grep }) => {
    const chosen = testFiles('test/ui', files);
    const installed = await temporaryProfile({});
    await installExtension(await packed(join(installed.folder, 'extension.vsix')), installed);
    const env = { INSTALLED_EXTENSIONS: installed.extensionsDir };
    const jobs = groupsOf(chosen, String).map(
      ([, ofJob]): TestJob =>
        (write) =>
          mochaInNode({ files: ofJob, grep, testTimeoutMs: 120_000, timeoutMs: 1_200_000, env, write }),
    );
    return sideBySide(jobs).finally(installed.remove);
  },
};

/** Packs in a process of its own, whose long list of files is of interest only when it fails. */
async function packed(path: string): Promise<string> {
  const script = join(projectFolder, 'scripts', 'package.ts');
  const { exitCode, output } = await runProcess(process.execPath, [script, path], {
    cwd: projectFolder,
    timeoutMs: PACK_TIMEOUT_MS,
  });
  if (exitCode !== 0) throw new Error(`The extension could not be packed:\n${output}`);
  return path;
}
