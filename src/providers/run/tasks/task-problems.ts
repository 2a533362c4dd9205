import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import * as vscode from 'vscode';
import { isInWorkspace } from '../../../run/local-files.ts';
import { type Problem, ProblemScanner, type ScannerEvents } from '../../../run/problems.ts';
import type { FileLocation, Matcher } from '../../../run/tasks/matcher.ts';
import { localPath, remotePaths } from '../../../run/tasks/paths.ts';
import { localFolders } from '../../common/folders.ts';
import { newDiagnostic } from '../../common/window.ts';

/** The maximum number of problems shown per run. */
const MAX_PROBLEMS = 1_000;
/** VS Code's own. */
const END_OF_LINE = 2 ** 31 - 2;

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

export interface WatchOptions {
  /** Identifies the task, for matchers without an owner. */
  readonly key: string;
  /** With the values of VS Code's variables in their folders. */
  readonly matchers: readonly Matcher[];
  /** The path of the synced folder. */
  readonly folder: string;
  readonly workspaceFolders: readonly string[];
  readonly isBackground: boolean;
  /** Called each time that a background task has finished its work, and waits for the next. */
  onReady(): void;
}

/** The problems of one owner that a run has found, by file. */
type Found = Map<string, vscode.Diagnostic[]>;

/** Shows the problems in the output of tasks. VS Code itself can't for tasks of extensions, except by a matcher's name. */
export class TaskProblems implements vscode.Disposable {
  /** By owner. */
  readonly #collections = new Map<string, vscode.DiagnosticCollection>();

  dispose(): void {
    for (const collection of this.#collections.values()) collection.dispose();
  }

  /**
   * Shows the problems of a run. When it has ended, those of earlier runs are gone, but not what another run with the same
   * owner has found in the meantime. Of a background task, they are gone each time that it has finished its work, and all when
   * it ends. All as in VS Code. Undefined if there are no matchers.
   */
  watch(options: WatchOptions): OutputWatcher | undefined {
    const { key, matchers, isBackground, onReady } = options;
    if (matchers.length === 0) return undefined;
    const ownerOf = (matcher: Matcher) => matcher.owner ?? `${key}\n${matchers.indexOf(matcher)}`;
    const owners = new Set(matchers.map(ownerOf));
    const found = new Map<string, Found>();
    const outdated = new Map<string, Set<string>>();
    const recordOutdated = (owner: string) => outdated.set(owner, new Set(this.#files(owner)));
    for (const matcher of matchers)
      if (!isBackground || matcher.background?.activeOnStart) recordOutdated(ownerOf(matcher));
    let count = 0;
    const fileOf = async (path: string, { location }: Matcher) =>
      vscode.Uri.file(await localFile(path, location, options));
    const add = async (problem: Problem, matcher: Matcher) => {
      count += 1;
      if (count > MAX_PROBLEMS) return;
      const uri = await fileOf(problem.file, matcher);
      // The text is a program's: it doesn't choose which other files are shown.
      if (!isInWorkspace(localFolders(), uri.fsPath) || !applies(matcher, uri)) return;
      const owner = ownerOf(matcher);
      const files = found.get(owner) ?? new Map<string, vscode.Diagnostic[]>();
      found.set(owner, files);
      const shown = files.get(`${uri}`) ?? [];
      const diagnostic = diagnosticOf(problem, matcher);
      // VS Code shows one problem for each place, severity, and code: compilers repeat themselves.
      if (shown.some((each) => isSamePlace(each, diagnostic))) return;
      const ofFile = [...shown, diagnostic];
      files.set(`${uri}`, ofFile);
      outdated.get(owner)?.delete(`${uri}`);
      this.#collection(owner).set(uri, ofFile);
    };
    const begin = async (matcher: Matcher, path: string | undefined) => {
      const owner = ownerOf(matcher);
      found.clear();
      count = 0;
      if (path === undefined) recordOutdated(owner);
      else outdated.set(owner, new Set(outdated.get(owner)).add(`${await fileOf(path, matcher)}`));
    };
    const removeOutdated = (owner: string) => {
      for (const uri of outdated.get(owner) ?? []) this.#collection(owner).delete(vscode.Uri.parse(uri));
      outdated.delete(owner);
    };
    const finish = (matcher: Matcher) => {
      removeOutdated(ownerOf(matcher));
      found.clear();
    };
    const end = () => {
      for (const owner of owners) {
        if (isBackground) recordOutdated(owner);
        removeOutdated(owner);
      }
    };
    // One after the other, so that the problems keep their order.
    let working = Promise.resolve();
    const then = (work: () => Promise<void> | void) => {
      working = working.then(work).catch(() => {});
    };
    const events: ScannerEvents = {
      problem: (problem, matcher) => then(() => add(problem, matcher)),
      begin: (matcher, path) => then(() => begin(matcher, path)),
      finish: (matcher) => {
        then(() => finish(matcher));
        onReady();
      },
    };
    const scanner = new ProblemScanner(matchers, events, { isBackground });
    return {
      feed: (text) => scanner.feed(text),
      end: () => {
        scanner.end();
        then(end);
      },
    };
  }

  /** Returns the URIs of the files that have problems of an owner. */
  #files(owner: string): string[] {
    return Array.from(this.#collection(owner), ([uri]) => `${uri}`);
  }

  #collection(owner: string): vscode.DiagnosticCollection {
    const known = this.#collections.get(owner);
    if (known) return known;
    const created = vscode.languages.createDiagnosticCollection('modal');
    this.#collections.set(owner, created);
    return created;
  }
}

/** Returns false for a file that is open, or isn't, if the matcher leaves those to others, such as a language server. */
function applies({ appliesTo }: Matcher, uri: vscode.Uri): boolean {
  if (appliesTo === 'all') return true;
  const isOpen = vscode.workspace.textDocuments.some((document) => `${document.uri}` === `${uri}`);
  return isOpen === (appliesTo === 'open');
}

function diagnosticOf({ line, column, endLine, endColumn, severity, code, message }: Problem, { source }: Matcher) {
  const range =
    column === undefined
      ? new vscode.Range(line - 1, 0, line - 1, END_OF_LINE)
      : new vscode.Range(
          line - 1,
          column - 1,
          (endColumn === undefined ? line : (endLine ?? line)) - 1,
          (endColumn ?? column) - 1,
        );
  return newDiagnostic(range, message, {
    severity: SEVERITIES[severity],
    ...(source !== undefined && { source }),
    ...(code !== undefined && { code }),
  });
}

function isSamePlace(a: vscode.Diagnostic, b: vscode.Diagnostic): boolean {
  return a.range.isEqual(b.range) && a.severity === b.severity && a.code === b.code && a.source === b.source;
}

/** Maps a path in the output to a local one. */
async function localFile(
  path: string,
  { kind, folders, exclude }: FileLocation,
  { folder, workspaceFolders }: WatchOptions,
): Promise<string> {
  if (path.startsWith('/')) return localPath(path, folder) ?? path;
  // A folder above the synced one is the synced one in the sandbox, and so in the output.
  const remote = remotePaths(folder, workspaceFolders);
  const local = (text: string) => (isAbsolute(text) ? (localPath(remote(text), folder) ?? text) : join(folder, text));
  if (kind === 'search')
    return (await fileEndingWith(path, folders.map(local), new Set(exclude.map(local)))) ?? join(folder, path);
  const relative = join(local(folders[0] ?? folder), path);
  return kind === 'autodetect' && !existsSync(relative) ? `/${path}` : relative;
}

/** Finds a file whose path ends with a text, those in a folder before those in its subfolders. */
async function fileEndingWith(
  end: string,
  folders: readonly string[],
  exclude: ReadonlySet<string>,
): Promise<string | undefined> {
  for (const folder of folders) {
    if (exclude.has(folder)) continue;
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const file = entries.find(
      (entry) => entry.isFile() && join(folder, entry.name).replaceAll('\\', '/').endsWith(end),
    );
    if (file) return join(folder, file.name);
    const inside = entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
    const found = await fileEndingWith(end, inside, exclude);
    if (found) return found;
  }
  return undefined;
}
