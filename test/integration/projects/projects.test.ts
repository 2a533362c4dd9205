import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { closeTerminals, eventually, waitForProblems } from '../extension-under-test.ts';
import { DOORS, fileOf, textOfFile } from './doors.ts';
import { type Expected, ROWS } from './rows.ts';

/** Creates a worktree of a bare clone next to the other projects, and opens it. */
async function openWorktree(): Promise<void> {
  const projects = dirname(fileOf('bash', '').fsPath);
  const [source, bare, worktree] = ['source', 'bare.git', 'worktree'].map((name) => join(projects, name)) as [
    string,
    string,
    string,
  ];
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { stdio: 'pipe' });
  await mkdir(source);
  await writeFile(join(source, '.gitignore'), '*.log\n');
  await writeFile(join(source, 'kept.log'), 'kept');
  await writeFile(join(source, 'list.sh'), 'ls -1; echo of the worktree\n');
  git('init', '-q', source);
  git('-C', source, 'add', '-f', '.');
  git('-C', source, 'commit', '-qm', 'Begin');
  git('clone', '-q', '--bare', source, bare);
  git('-C', bare, 'worktree', 'add', '-q', '-b', 'feature', worktree);
  await writeFile(join(worktree, 'noise.log'), 'noise');
  const folders = vscode.workspace.workspaceFolders ?? [];
  vscode.workspace.updateWorkspaceFolders(folders.length, 0, { uri: vscode.Uri.file(worktree) });
  await eventually(
    'the worktree',
    () => vscode.workspace.workspaceFolders?.length,
    (count) => count === folders.length + 1,
  );
}

function withoutTimes(line: string): string {
  return line.replace(/ in [\d.]+s$/, '');
}

/** Waits for the problems of a file, and describes them. */
async function problemsOf(uri: vscode.Uri): Promise<string[]> {
  const found = await waitForProblems(uri, ({ length }) => length > 0);
  return found.map(
    ({ range, severity, message }) => `${range.start.line + 1} ${vscode.DiagnosticSeverity[severity]} ${message}`,
  );
}

describe('Projects', () => {
  before(openWorktree);

  for (const [project, rows] of Object.entries(ROWS)) {
    describe(`The project ${project}`, () => {
      after(closeTerminals);

      for (const [door, what, expectation] of rows) {
        it(`shows the right result of ${door}: ${what}`, async () => {
          const expected: Expected = 'lines' in expectation ? expectation : { lines: expectation };
          const { exitCode, lines } = await DOORS[door](project, what);
          const first = expected.problems ? lines.length - expected.lines.length : 0;
          assert.deepEqual(lines.slice(first).map(withoutTimes), expected.lines);
          if (exitCode !== undefined) assert.equal(exitCode, expected.exitCode ?? 0);
          for (const [path, text] of Object.entries(expected.files ?? {}))
            assert.equal(await textOfFile(project, path), text);
          for (const [path, problems] of Object.entries(expected.problems ?? {}))
            assert.deepEqual(await problemsOf(fileOf(project, path)), problems);
        });
      }
    });
  }
});
