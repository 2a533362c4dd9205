import { join } from 'node:path';
import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import { isInWorkspace } from '../../run/local-files.ts';
import type { TestedFile } from '../../testing/events.ts';
import { localFolders, syncedFolder } from '../common/folders.ts';
import { strings } from './strings.ts';

/** What test runs have executed, by file. */
export class TestCoverage {
  readonly #files = new WeakMap<vscode.FileCoverage, TestedFile>();

  /** Adds a file to a run. Files that aren't in the workspace are omitted. */
  add(run: vscode.TestRun, folder: vscode.WorkspaceFolder, tested: TestedFile): void {
    const path = join(syncedFolder(folder).path, tested.file);
    if (!isInWorkspace(localFolders(), path)) return;
    const { executed, missing, branches, functions } = tested;
    const coverage = new vscode.FileCoverage(
      vscode.Uri.file(path),
      new vscode.TestCoverageCount(executed.length, executed.length + missing.length),
      count(branches.map(([, , isTaken]) => isTaken)),
      count(functions.map(([, , isCalled]) => isCalled)),
    );
    this.#files.set(coverage, tested);
    run.addCoverage(coverage);
  }

  /** Returns the lines, branches, and functions of a file. */
  detailsOf(coverage: vscode.FileCoverage): vscode.FileCoverageDetail[] {
    const tested = this.#files.get(coverage);
    if (!tested) return [];
    const branches = new Map<number, vscode.BranchCoverage[]>();
    for (const [from, to, isTaken] of tested.branches) {
      // A branch out of the function leads to no line.
      const location = to > 0 ? positionOf(to) : undefined;
      const label = to > 0 ? strings.branchTo(to) : strings.branchOut();
      branches.set(from, [...(branches.get(from) ?? []), new vscode.BranchCoverage(isTaken, location, label)]);
    }
    const statements = (lines: readonly number[], isExecuted: boolean) =>
      lines.map((line) => new vscode.StatementCoverage(isExecuted, positionOf(line), branches.get(line)));
    return [
      ...statements(tested.executed, true),
      ...statements(tested.missing, false),
      ...tested.functions.map(
        ([name, line, isCalled]) => new vscode.DeclarationCoverage(cleanLine(name), isCalled, positionOf(line)),
      ),
    ];
  }
}

function count(all: readonly boolean[]): vscode.TestCoverageCount | undefined {
  return all.length === 0 ? undefined : new vscode.TestCoverageCount(all.filter(Boolean).length, all.length);
}

/** Returns the position of a line from 1. */
function positionOf(line: number): vscode.Position {
  return new vscode.Position(Math.max(0, line - 1), 0);
}
