/** Builds for release and packs the VSIX that users get. */
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { buildAll } from './build-all.ts';
import { projectFolder } from './paths.ts';

/** Packs the extension and returns the path of the VSIX, by default `<name>.vsix` in the project's folder. */
export async function packageVsix(path = join(projectFolder, 'modal-sandboxes.vsix')): Promise<string> {
  await buildAll(['--production']);
  // The bundles hold every dependency, and the pictures of the readme travel in the package.
  await createVSIX({
    cwd: projectFolder,
    packagePath: path,
    dependencies: false,
    rewriteRelativeLinks: false,
    allowMissingRepository: true,
  });
  return path;
}
