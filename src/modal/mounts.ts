import { z } from 'zod';

/** A volume that is mounted in a sandbox. */
export interface Mount {
  readonly path: string;
  /** The volume's name. */
  readonly volume: string;
  /** The folder in the volume that is mounted. Defaults to the whole volume. */
  readonly subPath?: string | undefined;
  readonly isReadOnly: boolean;
}

/** Prefix of the tags that describe a sandbox's mounts. A number follows. */
const PREFIX = 'vscode-mounts-';
/**
 * The length of a tag's value. Modal's API doesn't list a sandbox's volumes, so tags describe them. Modal doesn't document
 * limits for the tags of sandboxes, so these follow the rule for the tags of apps: at most 63 letters, digits, ".", "_",
 * and "-" (`check_tag_dict` in modal-client's py/modal/_utils/name_utils.py).
 */
const TAG_CHARS = 63;
/** Enough for about twenty volumes. A sandbox with more describes none. */
const MAX_TAGS = 16;

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

/** Returns the tags that describe a sandbox's mounts to every window and computer. */
export function mountTags(mounts: readonly Mount[]): Record<string, string> {
  if (mounts.length === 0) return {};
  const facts = mounts.map(({ path, volume, subPath = '', isReadOnly }) => [path, volume, subPath, isReadOnly ? 1 : 0]);
  const text = Buffer.from(JSON.stringify(facts)).toString('base64url');
  const pieces = text.match(new RegExp(`.{1,${TAG_CHARS}}`, 'g')) ?? [];
  if (pieces.length > MAX_TAGS) return {};
  return Object.fromEntries(pieces.map((piece, index) => [`${PREFIX}${index}`, piece]));
}

export function isMountTag(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** Returns the mounts that a sandbox's tags describe: none if another tool started it or changed its tags. */
export function mountsIn(tags: Readonly<Record<string, string>>): Mount[] {
  let text = '';
  for (let index = 0; tags[`${PREFIX}${index}`] !== undefined; index += 1) text += tags[`${PREFIX}${index}`];
  try {
    return MountsSchema.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString())).data ?? [];
  } catch {
    return [];
  }
}
