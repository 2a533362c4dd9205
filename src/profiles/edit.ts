import { applyEdits, modify } from 'jsonc-parser';
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

function edited(text: string, path: string[], value: unknown): string {
  const before = text.trim() === '' ? newFile() : text;
  const formattingOptions = {
    insertSpaces: !/^\t/m.test(before),
    tabSize: 2,
    eol: before.includes('\r\n') ? '\r\n' : '\n',
  };
  return applyEdits(before, modify(before, path, value, { formattingOptions }));
}
