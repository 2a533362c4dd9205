import { z } from 'zod';

/** A volume in a sandbox. */
export interface Mount {
  readonly path: string;
  /** The volume's name. */
  readonly volume: string;
  /** The folder of the volume that is mounted; all of it when absent. */
  readonly subPath?: string | undefined;
  readonly isReadOnly: boolean;
}

/** Tags that tell a sandbox's mounts begin so, followed by their number. */
const PREFIX = 'vscode-mounts-';
/**
 * Modal’s list of sandboxes tells nothing of volumes, and Modal names no limits for sandboxes’ tags. So what is told in
 * tags keeps to the rule for those of its apps: at most 63 letters, digits, “.”, “_” and “-” (`check_tag_dict` in
 * modal-client’s py/modal/_utils/name_utils.py).
 */
const TAG_CHARS = 63;
/** Enough for some twenty volumes; a sandbox with more tells of none. */
const MOST_TAGS = 16;

const MountsSchema = z.array(
  z.tuple([z.string(), z.string(), z.string(), z.union([z.literal(0), z.literal(1)])]).transform(
    ([path, volume, subPath, readOnly]): Mount => ({
      path,
      volume,
      ...(subPath && { subPath }),
      isReadOnly: readOnly === 1,
    }),
  ),
);

/** The tags by which every window and machine knows what is mounted in a sandbox. */
export function mountTags(mounts: readonly Mount[]): Record<string, string> {
  if (mounts.length === 0) return {};
  const facts = mounts.map(({ path, volume, subPath = '', isReadOnly }) => [path, volume, subPath, isReadOnly ? 1 : 0]);
  const text = Buffer.from(JSON.stringify(facts)).toString('base64url');
  const pieces = text.match(new RegExp(`.{1,${TAG_CHARS}}`, 'g')) ?? [];
  if (pieces.length > MOST_TAGS) return {};
  return Object.fromEntries(pieces.map((piece, index) => [`${PREFIX}${index}`, piece]));
}

export function isMountTag(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** What a sandbox’s tags tell of its mounts: nothing for one that others started, or whose tags were changed. */
export function mountsIn(tags: Readonly<Record<string, string>>): Mount[] {
  let text = '';
  for (let index = 0; tags[`${PREFIX}${index}`] !== undefined; index += 1) text += tags[`${PREFIX}${index}`];
  try {
    return MountsSchema.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString())).data ?? [];
  } catch {
    return [];
  }
}
