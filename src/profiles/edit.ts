import { applyEdits, modify } from 'jsonc-parser';

const NEW_FILE = `{
  // Profiles of sandboxes. The completion (Ctrl+Space) knows every key.
  "profiles": {}
}
`;

/** The text of a `modal.json` with a profile more; comments and layout stay. `''` begins a new file. */
export function addProfile(text: string, name: string, profile: object): string {
  return edited(text, ['profiles', name], profile);
}

/** The text with a key of a profile set; the profile is made where it is not in the file. */
export function setInProfile(text: string, name: string, key: string, value: unknown): string {
  return edited(text, ['profiles', name, key], value);
}

/** The text with a volume mounted in a profile, beside those that are. */
export function mountInProfile(text: string, name: string, path: string, volume: string): string {
  return edited(text, ['profiles', name, 'volumes', path], volume);
}

function edited(text: string, path: string[], value: unknown): string {
  const before = text.trim() === '' ? NEW_FILE : text;
  const formattingOptions = {
    insertSpaces: !/^\t/m.test(before),
    tabSize: 2,
    eol: before.includes('\r\n') ? '\r\n' : '\n',
  };
  return applyEdits(before, modify(before, path, value, { formattingOptions }));
}
