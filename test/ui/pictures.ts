import { join } from 'node:path';
import { projectFolder } from '../../scripts/paths.ts';
import type { Workbench } from '../helpers/workbench.ts';

/** The readme's pictures are taken anew only when asked for, so that tests leave the tree as it is. */
export async function picture(workbench: Workbench, name: string): Promise<void> {
  const folder = process.env.UPDATE_SCREENSHOTS ? 'media' : '.vscode-test/screenshots';
  if (process.env.UPDATE_SCREENSHOTS && name !== 'screenshot') return;
  await workbench.screenshot(join(projectFolder, folder, `${name}.png`));
}
