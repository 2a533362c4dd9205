import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { projectFolder } from '../../../scripts/paths.ts';

/** The lines of a file of `src/views` that reject our Biome plugins, from 0. */
function rejectedLines(folder: string, lines: readonly string[]): number[] {
  const file = join(folder, 'src', 'views', 'probe.ts');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines.join('\n'));
  const biome = join(projectFolder, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
  const { stdout, stderr } = spawnSync(process.execPath, [biome, 'lint', '--colors=off', '--max-diagnostics=none'], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.doesNotMatch(stdout + stderr, /errored/, 'the plugin works');
  const places = `${stdout}${stderr}`.matchAll(/probe\.ts:(\d+):\d+ plugin/g);
  return [...places].map(([, line]) => Number(line) - 1).sort();
}

describe('The check for texts that bypass cleaning', () => {
  const folder = mkdtempSync(join(tmpdir(), 'direct-texts-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  before(() => {
    const { vcs, ...config } = JSON.parse(readFileSync(join(projectFolder, 'biome.json'), 'utf8'));
    writeFileSync(join(folder, 'biome.json'), JSON.stringify(config));
    cpSync(join(projectFolder, 'scripts', 'checks'), join(folder, 'scripts', 'checks'), { recursive: true });
  });

  it('rejects all other ways to show a text', () => {
    const lines = [
      `import { window } from 'vscode';`,
      'const { showQuickPick } = vscode.window;',
      ...['showErrorMessage', 'withProgress', 'createTreeView', 'createStatusBarItem'].map(
        (name) => `vscode.window.${name}(window);`,
      ),
      `new vscode.MarkdownString('a');`,
      `new vscode.Diagnostic(showQuickPick, 'a');`,
    ];
    assert.deepEqual(rejectedLines(folder, lines), [...lines.keys()]);
  });

  it('accepts ours, and what shows no text', () => {
    const lines = [
      `import * as vscode from 'vscode';`,
      `import type { QuickPickItem } from 'vscode';`,
      `import { window } from '../providers/common/window.ts';`,
      `window.showErrorMessage('a');`,
      'vscode.window.onDidCloseTerminal(() => {});',
    ];
    assert.deepEqual(rejectedLines(folder, lines), []);
  });
});
