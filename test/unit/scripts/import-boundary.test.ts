import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { importBoundary, importsOf } from '../../../scripts/checks/import-boundary.ts';
import { projectFolder } from '../../../scripts/paths.ts';

describe('importBoundary', () => {
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
    it(`reports ${statement.replaceAll('\n', ' ')}`, async () => {
      assert.deepEqual(await project({ 'src/sync/scan.ts': statement }), ['src/sync/scan.ts may not import vscode']);
    });
  }

  it('reports imports of vscode in every folder of the core', async () => {
    const statement = `import 'vscode';`;
    const files = ['src/modal/a.ts', 'src/sync/deep/b.ts', 'src/run/c.ts', 'src/sandboxes/d.ts', 'local/execs/e.ts'];
    const problems = await project(Object.fromEntries(files.map((file) => [file, statement])));
    assert.equal(problems.length, files.length);
  });

  it('allows the edge to import vscode', async () => {
    const problems = await project({
      'src/providers/run/lens.ts': `import * as vscode from 'vscode';`,
      'src/views/volumes/tree.ts': `import * as vscode from 'vscode';`,
      'src/extension.ts': `import * as vscode from 'vscode';`,
    });
    assert.deepEqual(problems, []);
  });

  for (const [path, target] of [
    ['src/base/a.ts', 'src/modal/b.ts'],
    ['src/sync/a.ts', 'src/profiles/b.ts'],
    ['src/sandboxes/cost/a.ts', 'src/run/b.ts'],
    ['src/run/a.ts', 'src/providers/common/b.ts'],
    ['src/providers/common/a.ts', 'src/providers/run/b.ts'],
    ['src/providers/run/a.ts', 'src/providers/sync/b.ts'],
    ['src/providers/run/tasks/a.ts', 'src/views/common/b.ts'],
    ['src/views/volumes/a.ts', 'src/views/snapshots/b.ts'],
    ['src/views/volumes/a.ts', 'src/extension.ts'],
    ['src/modal/a.ts', 'local/execs/b.ts'],
    ['local/execs/a.ts', 'src/modal/b.ts'],
    ['local/grpc/a.ts', 'local/execs/b.ts'],
    ['local/network/a.ts', 'local/volumes/b.ts'],
  ] as const) {
    it(`reports a type import of ${target} in ${path}`, async () => {
      const files = { [path]: `import type { B } from '${relative(dirname(path), target)}';`, [target]: '' };
      assert.deepEqual(await project(files), [`${path} may not import ${target}`]);
    });
  }

  it('allows local to import src/base', async () => {
    const files = { 'local/execs/a.ts': `import type { B } from '../../src/base/b.ts';`, 'src/base/b.ts': '' };
    assert.deepEqual(await project(files), []);
  });

  it('allows a folder to import the folders below it', async () => {
    const problems = await project({
      'src/base/a.ts': '',
      'src/images/a.ts': `import '../sync/a.ts'; import '../base/a.ts';`,
      'src/sync/a.ts': `import './deep/a.ts';`,
      'src/sync/deep/a.ts': `import '../../modal/a.ts';`,
      'src/modal/a.ts': '',
      'src/providers/sync/a.ts': `import '../common/a.ts'; import '../../images/a.ts';`,
      'src/providers/common/a.ts': '',
      'src/extension.ts': `import './providers/sync/a.ts';`,
    });
    assert.deepEqual(problems, []);
  });

  it('reports a file outside of the known folders', async () => {
    assert.deepEqual(await project({ 'src/misc/a.ts': '' }), ['src/misc/a.ts is in no folder of the order']);
  });

  it('reports files that import each other, including type imports', async () => {
    const problems = await project({
      'src/sync/a.ts': `import { b } from './b.ts';`,
      'src/sync/b.ts': `import type { C } from './deep/c.ts';`,
      'src/sync/deep/c.ts': `import { a } from '../a.ts';`,
      'src/sync/d.ts': `import { a } from './a.ts';`,
    });
    assert.deepEqual(problems, ['these files import each other: src/sync/a.ts, src/sync/b.ts, src/sync/deep/c.ts']);
  });

  it('reports a forbidden import in a copy of this project', async () => {
    await cp(join(projectFolder, 'src'), join(root, 'src'), { recursive: true });
    await cp(join(projectFolder, 'local'), join(root, 'local'), { recursive: true });
    await appendFile(join(root, 'src/sync/engine.ts'), `import '../run/run.ts';`);
    const problems = await importBoundary(root);
    assert.ok(problems.includes('src/sync/engine.ts may not import src/run/run.ts'), problems.join('\n'));
  });

  it('ignores imports in comments', () => {
    assert.deepEqual(importsOf(`// import 'vscode'\n/* import a from 'vscode' */\nconst a = 1;`), []);
  });

  it('finds no problem in this project', async () => {
    assert.deepEqual(await importBoundary(), []);
  });
});
