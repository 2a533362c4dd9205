import { UserError } from '../base/errors.ts';
import { isNotFound } from '../modal/errors.ts';
import type { Place } from './recipe.ts';

/** An image that cannot be built: what, where in the Dockerfile or the profile, and the last lines of Modal's log. */
export class ImageBuildError extends UserError {
  /** A word on the step that failed. */
  readonly title: string;
  readonly place: Place;
  /** Empty when nothing was built. */
  readonly log: readonly string[];

  constructor(message: string, at: { title: string; place: Place; log?: readonly string[]; cause?: unknown }) {
    super(message, { cause: at.cause });
    this.title = at.title;
    this.place = at.place;
    this.log = at.log ?? [];
  }
}

/** Where a place is, in words: `Dockerfile:12`, or `image.pip[0]` of the profile. */
export function placeName(place: Place): string {
  if ('file' in place) return `${place.file}:${place.line}`;
  return `image.${place.key}${place.index === undefined ? '' : `[${place.index}]`}`;
}

/** Looks something up that the profile names. Throws `ImageBuildError` when Modal does not have it. */
export async function lookUp(name: string, place: Place, find: (name: string) => Promise<string>): Promise<string> {
  try {
    return await find(name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new ImageBuildError(`Modal has no “${name}”, which ${placeName(place)} names. It may have been deleted.`, {
      title: name,
      place,
      cause: error,
    });
  }
}
