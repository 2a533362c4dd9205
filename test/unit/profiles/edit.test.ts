import { strict as assert } from 'node:assert';
import { parse } from 'jsonc-parser';
import { addProfile, imageWithPackage, setInProfile } from '../../../src/profiles/edit.ts';
import { ProfileSchema } from '../../../src/profiles/schema.ts';

const FILE = `{
  // Ours.
  "profiles": {
    "gpu": { "gpu": "L4" } // the small one
  }
}
`;

const profilesOf = (text: string) => (parse(text) as { profiles: object }).profiles;

describe('Edits of modal.json', () => {
  it('adds a key to a profile, and keeps all comments', () => {
    const text = setInProfile(FILE, 'gpu', 'warm', { sandboxes: 1 });
    assert.match(text, /\/\/ Ours\./);
    assert.match(text, /\/\/ the small one/);
    assert.deepEqual(profilesOf(text), { gpu: { gpu: 'L4', warm: { sandboxes: 1 } } });
  });

  it("creates the profile if the file or the profile doesn't exist", () => {
    assert.deepEqual(profilesOf(setInProfile('', 'default', 'warm', {})), { default: { warm: {} } });
    assert.deepEqual(profilesOf(setInProfile(FILE, 'default', 'warm', {})), {
      gpu: { gpu: 'L4' },
      default: { warm: {} },
    });
  });

  it('adds a profile with the indentation and line endings of the file', () => {
    const tabs = FILE.replaceAll('  ', '\t').replaceAll('\n', '\r\n');
    assert.match(addProfile(tabs, 'new', { cpu: 2 }), /\r\n\t\t"new": \{\r\n\t\t\t"cpu": 2\r\n\t\t\}/);
  });

  it('adds a Python package to an image, and writes no defaults', () => {
    const imageOf = (image: unknown) => ProfileSchema.parse({ image }).image;
    for (const [image, expected] of [
      [undefined, { pip: ['debugpy'] }],
      ['python:3.13-slim', { registry: 'python:3.13-slim', pip: ['debugpy'] }],
      [
        { python: '3.12', pip: ['numpy'] },
        { python: '3.12', pip: ['numpy', 'debugpy'] },
      ],
    ])
      assert.deepEqual(imageWithPackage(imageOf(image), 'debugpy'), expected);
  });
});
