import { join, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import { logError } from '../../base/log.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { TestFramework } from '../../testing/framework.ts';
import { TEST_FRAMEWORKS, testFileFramework } from '../../testing/frameworks.ts';
import { diskFolderOf, diskFolders, syncedFolder } from '../common/folders.ts';
import type { TestTree } from './test-tree.ts';

/** More files aren't looked for. */
const MAX_FILES = 20_000;
/** Tests of installed packages aren't the project's. */
const LIBRARIES = '**/{node_modules,site-packages,vendor}/**';
const FILES_AT_ONCE = 50;
/** A file that is being typed in is read again after this pause. */
const TYPING_PAUSE_MS = 300;

/** The sync rules, as far as tests need them. */
export interface TestSyncs {
  of(folder: Folder): { explain(paths: readonly string[]): Promise<readonly { readonly included: boolean }[]> };
}

/** Keeps the Test Explorer's items up to date with the texts of files. Starts no sandbox. */
export class TestFiles implements vscode.Disposable {
  readonly #tree: TestTree;
  readonly #syncs: TestSyncs;
  readonly #disposable: vscode.Disposable;
  readonly #typing = new Map<string, NodeJS.Timeout>();
  #searching: Promise<void> | undefined;

  constructor(tree: TestTree, syncs: TestSyncs) {
    this.#tree = tree;
    this.#syncs = syncs;
    this.#disposable = vscode.Disposable.from(
      ...TEST_FRAMEWORKS.map(({ files }) => this.#watch(files)),
      vscode.workspace.onDidOpenTextDocument(({ uri }) => this.read(uri)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.#readSoon(document.uri)),
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        tree.clear();
        this.search(true).catch(logError);
      }),
    );
    for (const { uri } of vscode.workspace.textDocuments) void this.read(uri);
  }

  #watch(files: string): vscode.Disposable {
    const watcher = vscode.workspace.createFileSystemWatcher(files);
    return vscode.Disposable.from(
      watcher,
      watcher.onDidCreate((uri) => this.read(uri)),
      watcher.onDidChange((uri) => this.read(uri)),
      watcher.onDidDelete((uri) => this.#remove(uri)),
    );
  }

  dispose(): void {
    for (const timer of this.#typing.values()) clearTimeout(timer);
    this.#disposable.dispose();
  }

  /** Lists the files with tests of all folders, once unless asked to do it again. */
  search(again = false): Promise<void> {
    if (again) this.#searching = undefined;
    this.#searching ??= (async () => {
      for (const folder of diskFolders()) for (const each of TEST_FRAMEWORKS) await this.#list(folder, each);
    })();
    return this.#searching;
  }

  async #list(folder: vscode.WorkspaceFolder, { files, isTestFile, namesTell }: TestFramework): Promise<void> {
    const { path } = syncedFolder(folder);
    const pattern = new vscode.RelativePattern(vscode.Uri.file(path), files);
    const found = await vscode.workspace.findFiles(pattern, LIBRARIES, MAX_FILES);
    const paths = found.filter((uri) => isTestFile(uri.path)).map((uri) => pathIn(path, uri));
    const synced = await this.#synced(folder, paths.sort());
    if (namesTell) return this.#tree.addFiles(folder, synced);
    const uris = synced.map((file) => vscode.Uri.file(join(path, file)));
    // Other frameworks may use the same names.
    while (uris.length > 0) await Promise.all(uris.splice(0, FILES_AT_ONCE).map((uri) => this.read(uri)));
  }

  /** Returns the files that sandboxes have. */
  async #synced(folder: vscode.WorkspaceFolder, files: readonly string[]): Promise<string[]> {
    if (files.length === 0) return [];
    try {
      const rules = await this.#syncs.of(syncedFolder(folder)).explain(files);
      return files.filter((_, at) => rules[at]?.included !== false);
    } catch (error) {
      // A run says what is wrong with the rules.
      logError(error);
      return [...files];
    }
  }

  /** Finds the tests in a file's text. */
  async read(uri: vscode.Uri): Promise<void> {
    try {
      const place = placeOf(uri);
      if (!place) return;
      const open = vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri.toString());
      const text = open?.getText() ?? Buffer.from(await vscode.workspace.fs.readFile(uri)).toString();
      const [synced] = await this.#synced(place.folder, [place.file]);
      const tests = synced === undefined ? undefined : place.framework.scan(text);
      if (tests) this.#tree.setScanned(place.folder, place.file, tests);
      else this.#tree.removeFile(place.folder, place.file);
    } catch (error) {
      logError(error);
    }
  }

  /** Returns the item of a test or group in a file's text, or of the file; undefined if there is none. */
  async itemAt(uri: vscode.Uri, names: readonly string[] = []): Promise<vscode.TestItem | undefined> {
    const place = placeOf(uri);
    if (!place) return undefined;
    await this.read(uri);
    return this.#tree.find(place.folder, [place.file, ...names]);
  }

  #readSoon(uri: vscode.Uri): void {
    if (!testFileFramework(uri.path)) return;
    const key = uri.toString();
    clearTimeout(this.#typing.get(key));
    this.#typing.set(
      key,
      setTimeout(() => {
        this.#typing.delete(key);
        void this.read(uri);
      }, TYPING_PAUSE_MS),
    );
  }

  #remove(uri: vscode.Uri): void {
    const place = placeOf(uri);
    if (place) this.#tree.removeFile(place.folder, place.file);
  }
}

/** Returns where a file with tests is; undefined for other files, and for those that aren't synced. */
function placeOf(
  uri: vscode.Uri,
): { folder: vscode.WorkspaceFolder; file: string; framework: TestFramework } | undefined {
  const framework = testFileFramework(uri.path);
  const folder = framework && diskFolderOf(uri);
  if (!folder) return undefined;
  const file = pathIn(syncedFolder(folder).path, uri);
  return file.startsWith('../') ? undefined : { folder, file, framework };
}

function pathIn(folder: string, { fsPath }: vscode.Uri): string {
  return relative(folder, fsPath).split(sep).join('/');
}
