import assert from 'node:assert/strict';
import type { Image } from 'modal';
import { ImageBuildError } from '../../../src/images/build.ts';
import type { Workbench } from '../../helpers/local-modal.ts';

/** Runs a line of shell in a sandbox of an image. Returns its output. */
export async function inside({ modal, app, shell }: Workbench, image: Image, line: string): Promise<string> {
  const sandbox = await modal.sandboxes.create(app, image);
  try {
    return await shell(sandbox, line);
  } finally {
    await sandbox.terminate();
  }
}

/** Returns the error of a build that must fail. */
export async function failureOf(building: Promise<unknown>): Promise<ImageBuildError> {
  const error = await building.then(
    () => assert.fail('the build succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ImageBuildError, String(error));
  return error;
}
