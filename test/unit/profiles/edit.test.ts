import { strict as assert } from 'node:assert';
import { parse } from 'jsonc-parser';
import { addProfile, setInProfile } from '../../../src/profiles/edit.ts';

const FILE = `{
  // Ours.
  "profiles": {
    "gpu": { "gpu": "L4" } // the small one
  }
}
`;

const profilesOf = (text: string) => (parse(text) as { profiles: object }).profiles;

describe('an edit of modal.json', () => {
  it('keeps a profile ready: one key more, and every comment stays', () => {
    const text = setInProfile(FILE, 'gpu', 'warm', { sandboxes: 1 });
    assert.match(text, /\/\/ Ours\./);
    assert.match(text, /\/\/ the small one/);
    assert.deepEqual(profilesOf(text), { gpu: { gpu: 'L4', warm: { sandboxes: 1 } } });
  });

  it('makes the profile where the file, or the profile in it, is not there', () => {
    assert.deepEqual(profilesOf(setInProfile('', 'default', 'warm', {})), { default: { warm: {} } });
    assert.deepEqual(profilesOf(setInProfile(FILE, 'default', 'warm', {})), {
      gpu: { gpu: 'L4' },
      default: { warm: {} },
    });
  });

  it('adds a profile with the file’s own indentation and line ends', () => {
    const tabs = FILE.replaceAll('  ', '\t').replaceAll('\n', '\r\n');
    assert.match(addProfile(tabs, 'new', { cpu: 2 }), /\r\n\t\t"new": \{\r\n\t\t\t"cpu": 2\r\n\t\t\}/);
  });
});
