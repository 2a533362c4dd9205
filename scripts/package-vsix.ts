/** Builds the release version, and packages it as a VSIX. */
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { buildAll } from './build-all.ts';
import { projectFolder } from './paths.ts';

/** Packages the extension, and returns the path of the VSIX. Defaults to `<name>.vsix` in the project folder. */
export async function packageVsix(path = join(projectFolder, 'modal-sandboxes.vsix')): Promise<string> {
  await buildAll(['--production']);
  // The bundles contain all dependencies, and the package contains the images of the README.
  await createVSIX({
    cwd: projectFolder,
    packagePath: path,
    dependencies: false,
    rewriteRelativeLinks: false,
    allowMissingRepository: true,
  });
  return path;
}
