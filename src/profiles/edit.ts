import { applyEdits, findNodeAtLocation, modify, parseTree } from 'jsonc-parser';
import type { Profile } from './schema.ts';
import { strings } from './strings.ts';

const newFile = () => `{
  // ${strings.newFileComment()}
  "profiles": {}
}
`;

/** Adds a profile to the text of a `modal.json`. Keeps comments and layout. `''` starts a new file. */
export function addProfile(text: string, name: string, profile: object): string {
  return edited(text, ['profiles', name], profile);
}

/** Sets a key of a profile, which is created if it isn't in the file. */
export function setInProfile(text: string, name: string, key: string, value: unknown): string {
  return edited(text, ['profiles', name, key], value);
}

/** Mounts a volume in a profile, in addition to its other volumes. */
export function mountInProfile(text: string, name: string, path: string, volume: string): string {
  return edited(text, ['profiles', name, 'volumes', path], volume);
}

/** Returns the `image` of a profile, as it would be written, with another Python package. */
export function imageWithPackage(image: Profile['image'], name: string): object {
  const written = typeof image === 'string' ? { registry: image } : (image ?? {});
  const isDefault = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  const own = Object.fromEntries(Object.entries(written).filter(([, value]) => !isDefault(value)));
  return { ...own, pip: [...('pip' in written ? written.pip : []), name] };
}

/** Returns where a profile is in the text of a `modal.json`, or one of its keys if it has it. */
export function placeInFile(text: string, name: string, key?: string): { offset: number; length: number } | undefined {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const find = (...path: string[]) =>
    tree ? findNodeAtLocation(tree, ['profiles', name, ...path])?.parent : undefined;
  return (key !== undefined ? find(key) : undefined) ?? find()?.children?.[0];
}

function edited(text: string, path: string[], value: unknown): string {
  const before = text.trim() === '' ? newFile() : text;
  const formattingOptions = {
    insertSpaces: !/^\t/m.test(before),
    tabSize: 2,
    eol: before.includes('\r\n') ? '\r\n' : '\n',
  };
  return applyEdits(before, modify(before, path, value, { formattingOptions }));
}
