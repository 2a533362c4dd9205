import { UserError } from '../base/errors.ts';
import { isNotFound } from '../modal/errors.ts';
import type { Place } from './recipe.ts';
import { strings } from './strings.ts';

/** An image can't be built: which step, its place in the Dockerfile or profile, and the last lines of Modal's log. */
export class ImageBuildError extends UserError {
  /** A short name of the failed step. */
  readonly title: string;
  readonly place: Place;
  /** Empty if nothing was built. */
  readonly log: readonly string[];

  constructor(message: string, at: { title: string; place: Place; log?: readonly string[]; cause?: unknown }) {
    super(message, { cause: at.cause, actions: ['showProfile', 'showLog'] });
    this.title = at.title;
    this.place = at.place;
    this.log = at.log ?? [];
  }
}

/** Formats a place: `Dockerfile:12`, or `image.pip[0]` for the profile. */
export function placeName(place: Place): string {
  if ('file' in place) return `${place.file}:${place.line}`;
  if (place.key === 'ssh') return place.key;
  return `image.${place.key}${place.index === undefined ? '' : `[${place.index}]`}`;
}

/** Looks up what the profile refers to. Throws `ImageBuildError` if it doesn't exist on Modal. */
export async function lookUp(name: string, place: Place, find: (name: string) => Promise<string>): Promise<string> {
  try {
    return await find(name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new ImageBuildError(strings.notOnModal(name, placeName(place)), {
      title: name,
      place,
      cause: error,
    });
  }
}
