import assert from 'node:assert/strict';
import { activeName, pathOfShown, shownPath } from '../../../src/providers/common/inactive-names.ts';

describe('Names of files that VS Code acts on', () => {
  const active = [
    '/sb-1/workspace/.vscode/settings.json',
    '/sb-1/workspace/.vscode',
    '/sb-1/workspace/below/.VSCode/mcp.json',
    '/sb-1/workspace/two\nlines.code-workspace',
    '/sb-1/.devcontainer.json',
    '/sb-1/.github/hooks/x.json',
    '/sb-1/.claude/settings.json',
    '/sb-1/AGENTS.md',
    '/.vscode/tasks.json',
  ];
  const plain = [
    '/sb-1/workspace/vscode',
    '/sb-1/.vscodeignore',
    '/sb-1/tasks.json',
    '/sb-1/x.inactive',
    '/sb-1/a.md',
    '/',
  ];

  it('are shown as others, at any depth, and never as themselves', () => {
    assert.equal(shownPath('/sb-1/workspace/.vscode/tasks.json'), '/sb-1/workspace/.vscode.inactive/tasks.json');
    assert.equal(activeName('/sb-1/.github/hooks/x.json'), '.github');
    for (const path of active) {
      assert.equal(pathOfShown(path), undefined, path);
      assert.equal(activeName(shownPath(path)), undefined, path);
    }
    for (const path of plain) assert.equal(shownPath(path), path);
  });

  it('lead back to the same file, also if it already has such a name', () => {
    const shown = new Set<string>();
    for (const path of [...active, ...plain, '/sb-1/workspace/.vscode.inactive', '/sb-1/.vscode.inactive.inactive']) {
      assert.equal(pathOfShown(shownPath(path)), path);
      shown.add(shownPath(path));
    }
    assert.equal(shown.size, active.length + plain.length + 2);
  });
});
