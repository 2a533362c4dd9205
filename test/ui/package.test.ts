import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';

describe('The installed package', () => {
  const extensions = process.env.INSTALLED_EXTENSIONS ?? '';
  const installed = join(extensions, readdirSync(extensions).find((name) => name.startsWith('modal-sandboxes')) ?? '');
  const files = globSync('**/*', { cwd: installed, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));

  it('contains the bundles that the extension loads', () => {
    const threads = ['sync-worker', 'sync-look-ahead'];
    for (const bundle of [
      'extension',
      'modal-sdk',
      'zod',
      'local-modal',
      'ssh-relay',
      'cli',
      'cli-main',
      'mcp',
      'mcp-sdk',
      ...threads,
    ])
      assert.ok(files.includes(`dist/${bundle}.cjs`), bundle);
  });

  it('contains only bundles, texts, pictures, the manifest, and documents', () => {
    const allowed =
      /^(dist\/[\w-]+\.cjs|dist\/ThirdPartyNotices\.txt|media\/.+|package(\.nls)?\.json|l10n\/.+\.json|\.vsixmanifest|(readme|changelog)\.md|LICENSE\.txt)$/i;
    assert.deepEqual(
      files.filter((file) => !allowed.test(file)),
      [],
    );
  });

  it('contains the license texts of all packages in its bundles', () => {
    const notices = readFileSync(join(installed, 'dist', 'ThirdPartyNotices.txt'), 'utf8');
    const table = readFileSync('docs/third-party.md', 'utf8').matchAll(/^\| (\S+) \| (.+?) \| (.+?) \|$/gm);
    const packages = [...table].slice(2);
    assert.ok(packages.length > 20, 'the document lists the packages');
    for (const [, name, version, license] of packages)
      assert.ok(notices.includes(`\n${name} (${version})\n${license}\n\n`), name);
    assert.match(notices, /Copyright 2008 Google Inc\./);
  });

  it('is smaller than 1.5 MB', () => {
    // A VSIX is a ZIP file: each file is compressed on its own.
    const bytes = files.reduce((sum, file) => sum + deflateRawSync(readFileSync(join(installed, file))).length, 0);
    assert.ok(bytes < 1_500_000, `${bytes} bytes`);
  });
});
