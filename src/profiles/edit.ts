import { applyEdits, modify } from 'jsonc-parser';

const NEW_FILE = `{
  // Profiles of sandboxes. The completion (Ctrl+Space) knows every key.
  "profiles": {}
}
`;

/** The text of a `modal.json` with a profile more; comments and layout stay. `''` begins a new file. */
export function addProfile(text: string, name: string, profile: object): string {
  const before = text.trim() === '' ? NEW_FILE : text;
  const formattingOptions = {
    insertSpaces: !/^\t/m.test(before),
    tabSize: 2,
    eol: before.includes('\r\n') ? '\r\n' : '\n',
  };
  return applyEdits(before, modify(before, ['profiles', name], profile, { formattingOptions }));
}
