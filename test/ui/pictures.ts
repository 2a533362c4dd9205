import { join } from 'node:path';
import { projectFolder } from '../../scripts/paths.ts';
import { waitFor } from '../helpers/wait-for.ts';
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

/** Waits until VS Code's own preview shows an image of this many pixels' width: it is an element of a frame in the editor. */
export async function waitForPicture({ page }: Workbench, width: number): Promise<void> {
  await waitFor(
    `a picture of ${width} pixels`,
    40_000,
    async () => {
      const widths = page.frames().map((frame) =>
        frame
          .locator('img')
          .evaluateAll((images) => images.map((image) => (image as unknown as { naturalWidth: number }).naturalWidth))
          .catch((): number[] => []),
      );
      return (await Promise.all(widths)).flat();
    },
    (widths) => widths.includes(width),
  );
}
