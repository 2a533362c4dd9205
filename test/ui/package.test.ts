import assert from 'node:assert/strict';
import { globSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

describe('The installed package', () => {
  const extensions = process.env.INSTALLED_EXTENSIONS ?? '';
  const installed = join(extensions, readdirSync(extensions).find((name) => name.startsWith('modal-sandboxes')) ?? '');
  const files = globSync('**/*', { cwd: installed, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));

  it('contains the bundles that the extension loads', () => {
    for (const bundle of ['extension', 'modal-sdk', 'local-modal', 'sync-worker', 'sync-look-ahead'])
      assert.ok(files.includes(`dist/${bundle}.cjs`), bundle);
  });

  it('contains only bundles, texts, pictures, the manifest, and documents', () => {
    const allowed =
      /^(dist\/[\w-]+\.cjs|media\/.+|package(\.nls)?\.json|l10n\/.+\.json|\.vsixmanifest|(readme|changelog)\.md|LICENSE\.txt)$/i;
    assert.deepEqual(
      files.filter((file) => !allowed.test(file)),
      [],
    );
  });
});
