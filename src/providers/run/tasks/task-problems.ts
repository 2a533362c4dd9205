import { isAbsolute, join, normalize, posix } from 'node:path';
import * as vscode from 'vscode';
import { isInWorkspace } from '../../../run/local-files.ts';
import { type OwnMatcher, type Problem, ProblemScanner } from '../../../run/problems.ts';
import { REMOTE_ROOT } from '../../../sync/options.ts';
import { localFolders, syncedFolder } from '../../common/folders.ts';
import { newDiagnostic } from '../../common/window.ts';
import { problemMatchersOf } from './problem-matchers.ts';

/** The maximum number of problems shown per run. */
const MAX_PROBLEMS = 1_000;

const SEVERITIES = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
} as const;

/** Receives the output of a run as it arrives. */
export interface OutputWatcher {
  feed(text: string): void;
  end(): void;
}

/**
 * Finds problems in the output of tasks whose matchers have their own patterns: tasks created by an extension can have
 * only named matchers.
 */
export class TaskProblems implements vscode.Disposable {
  readonly #collections = new Map<string, vscode.DiagnosticCollection>();

  dispose(): void {
    for (const collection of this.#collections.values()) collection.dispose();
  }

  /**
   * Clears the problems of the task's last run and watches the next one. Returns undefined if there are no such
   * matchers.
   */
  watch(folder: vscode.WorkspaceFolder, name: string): OutputWatcher | undefined {
    const own = problemMatchersOf(folder, name)?.own ?? [];
    if (own.length === 0) return undefined;
    const key = `${folder.uri}\n${name}`;
    const collection = this.#collections.get(key) ?? vscode.languages.createDiagnosticCollection('modal');
    this.#collections.set(key, collection);
    collection.clear();
    let count = 0;
    const scanners = own.map(
      (matcher) =>
        new ProblemScanner(matcher, (problem) => {
          count += 1;
          if (count > MAX_PROBLEMS) return;
          const file = localPath(problem.file, matcher, folder);
          // The text is a program's: it doesn't choose which other files are shown.
          if (!isInWorkspace(localFolders(), file)) return;
          const uri = vscode.Uri.file(file);
          collection.set(uri, [...(collection.get(uri) ?? []), diagnosticOf(problem, matcher)]);
        }),
    );
    return {
      feed: (text) => {
        for (const scanner of scanners) scanner.feed(text);
      },
      end: () => {
        for (const scanner of scanners) scanner.end();
      },
    };
  }
}

function diagnosticOf({ line, column, endLine, endColumn, severity, code, message }: Problem, { source }: OwnMatcher) {
  const first = (column ?? 1) - 1;
  // Without a column, the range is the whole line. If the range is empty, VS Code marks a word.
  const last = endColumn === undefined ? (column === undefined ? Number.MAX_SAFE_INTEGER : first) : endColumn - 1;
  const range = new vscode.Range(line - 1, first, (endLine ?? line) - 1, last);
  return newDiagnostic(range, message, {
    severity: SEVERITIES[severity],
    ...(source !== undefined && { source }),
    ...(code !== undefined && { code }),
  });
}

/** Maps a path in the output to a local one. */
function localPath(path: string, { fileLocation }: OwnMatcher, folder: vscode.WorkspaceFolder): string {
  const root = syncedFolder(folder).path;
  if (path.startsWith(`${REMOTE_ROOT}/`)) return join(root, posix.relative(REMOTE_ROOT, path));
  if (isAbsolute(path)) return normalize(path);
  const base = [fileLocation].flat()[1];
  const text = typeof base === 'string' ? base.replaceAll(/\$\{workspaceFolder(:[^}]*)?\}/g, folder.uri.fsPath) : root;
  return join(isAbsolute(text) ? text : join(root, text), path);
}
