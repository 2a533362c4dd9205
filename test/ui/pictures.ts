import { join } from 'node:path';
import { projectFolder } from '../../scripts/paths.ts';
import type { Workbench } from '../helpers/workbench.ts';

/** The screenshots in README and docs, each with its folder. All others only help to understand a test. */
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
  permissions: 'docs/pictures',
  'warm-ups': 'docs/pictures',
  'remote-files': 'docs/pictures',
  'search-in-sandbox': 'docs/pictures',
  snapshots: 'docs/pictures',
  ports: 'docs/pictures',
};

/** Takes a screenshot. Those of the docs are retaken only on request, so that tests leave the tree unchanged. */
export async function picture(workbench: Workbench, name: string): Promise<void> {
  const folder = (process.env.UPDATE_SCREENSHOTS && DOCUMENTS[name]) || '.vscode-test/screenshots';
  await workbench.screenshot(join(projectFolder, folder, `${name}.png`));
}

/** How long the last frame of a recording is shown before it starts over. */
const LAST_FRAME_MS = 3_000;
const RECORDING_WIDTH = 960;

/** Runs `work` and records the window as `media/NAME.gif`. Records only on request, like `picture`. */
export async function recording({ page }: Workbench, name: string, work: () => Promise<void>): Promise<void> {
  if (!process.env.UPDATE_SCREENSHOTS) return work();
  // Only a recording pays for loading it.
  const { default: sharp } = await import('sharp');
  const frames: { png: Buffer; ms: number }[] = [];
  let isRunning = true;
  const camera = async () => {
    while (isRunning) {
      const startedAt = performance.now();
      const png = await page.screenshot();
      const ms = Math.round(performance.now() - startedAt);
      const last = frames.at(-1);
      if (last?.png.equals(png)) last.ms += ms;
      else frames.push({ png, ms });
    }
  };
  const filming = camera();
  await work().finally(() => {
    isRunning = false;
    return filming;
  });
  const delay = frames.map(({ ms }, index) => (index === frames.length - 1 ? LAST_FRAME_MS : ms));
  const small = await Promise.all(frames.map(({ png }) => sharp(png).resize(RECORDING_WIDTH).png().toBuffer()));
  await sharp(small, { join: { animated: true } })
    .gif({ delay, loop: 0, interFrameMaxError: 4 })
    .toFile(join(projectFolder, 'media', `${name}.gif`));
}
