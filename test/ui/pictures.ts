import { join } from 'node:path';
import { projectFolder } from '../../scripts/paths.ts';
import type { Workbench } from '../helpers/workbench.ts';

/** Pictures of the documents, and where they lie; all others are for whoever looks at a test. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  screenshot: 'media',
  'first-sync': 'docs/pictures',
  decoration: 'docs/pictures',
  sandboxes: 'docs/pictures',
  'choose-profile': 'docs/pictures',
  'modal-json': 'docs/pictures',
  'image-build': 'docs/pictures',
  'image-problem': 'docs/pictures',
  volumes: 'docs/pictures',
  selection: 'docs/pictures',
  'warm-ups': 'docs/pictures',
  'remote-files': 'docs/pictures',
  'search-in-sandbox': 'docs/pictures',
  snapshots: 'docs/pictures',
};

/** The documents' pictures are taken anew only when asked for, so that tests leave the tree as it is. */
export async function picture(workbench: Workbench, name: string): Promise<void> {
  const folder = (process.env.UPDATE_SCREENSHOTS && DOCUMENTS[name]) || '.vscode-test/screenshots';
  await workbench.screenshot(join(projectFolder, folder, `${name}.png`));
}
