import assert from 'node:assert/strict';
import type { Image } from 'modal';
import { ImageBuildError } from '../../../src/images/build.ts';
import type { Workbench } from '../../helpers/local-modal.ts';

/** What a line of shell prints in a sandbox of an image. */
export async function inside({ modal, app, shell }: Workbench, image: Image, line: string): Promise<string> {
  const sandbox = await modal.sandboxes.create(app, image);
  try {
    return await shell(sandbox, line);
  } finally {
    await sandbox.terminate();
  }
}

/** The error of a build that must not succeed. */
export async function failureOf(building: Promise<unknown>): Promise<ImageBuildError> {
  const error = await building.then(
    () => assert.fail('it was built'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ImageBuildError, String(error));
  return error;
}
