import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { importBoundary, importsOf } from '../../../scripts/checks/import-boundary.ts';

describe('the import boundary', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'boundary-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  async function project(files: Record<string, string>): Promise<string[]> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    return importBoundary(root);
  }

  for (const statement of [
    `import * as vscode from 'vscode';`,
    `import { Uri } from "vscode";`,
    `import {\n  Uri,\n  window,\n} from 'vscode';`,
    `import type { Uri } from 'vscode';`,
    `import 'vscode';`,
    `export { Uri } from 'vscode';`,
    `export * from 'vscode';`,
    `const vscode = require('vscode');`,
    `const vscode = await import('vscode');`,
    `let uri: import('vscode').Uri;`,
    `const glob = 'src/**'; const vscode = await import('vscode'); // */`,
  ]) {
    it(`catches ${statement.replaceAll('\n', ' ')}`, async () => {
      assert.deepEqual(await project({ 'src/sync/scan.ts': statement }), ['src/sync/scan.ts imports vscode']);
    });
  }

  it('holds in every folder of the core', async () => {
    const statement = `import 'vscode';`;
    const files = ['src/modal/a.ts', 'src/sync/deep/b.ts', 'src/run/c.ts', 'src/session/d.ts', 'local/e.ts'];
    const problems = await project(Object.fromEntries(files.map((file) => [file, statement])));
    assert.equal(problems.length, files.length);
  });

  it('catches a way through other files, and names it', async () => {
    const problems = await project({
      'src/run/start.ts': `import { a } from '../config/a.ts';`,
      'src/config/a.ts': `export { b as a } from './b.ts';`,
      'src/config/b.ts': `import { Uri } from 'vscode';`,
    });
    assert.deepEqual(problems, ['src/run/start.ts imports src/config/a.ts imports src/config/b.ts imports vscode']);
  });

  it('lets the edge import VS Code, and the core import the types of the edge', async () => {
    const problems = await project({
      'src/run/start.ts': `import type { View } from '../views/view.ts';`,
      'src/views/view.ts': `import * as vscode from 'vscode'; export type View = vscode.Disposable;`,
    });
    assert.deepEqual(problems, []);
  });

  it('does not take a comment for an import', () => {
    assert.deepEqual(importsOf(`// import 'vscode'\n/* import a from 'vscode' */\nconst a = 1;`), []);
  });

  it('holds in this project', async () => {
    assert.deepEqual(await importBoundary(), []);
  });
});
