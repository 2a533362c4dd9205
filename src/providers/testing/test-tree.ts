import { join, posix } from 'node:path';
import * as vscode from 'vscode';
import type { FoundTest } from '../../testing/events.ts';
import type { ScannedTest } from '../../testing/framework.ts';
import { isWithinKey, keyText, type TestKey } from '../../testing/test-key.ts';
import { diskFolders, syncedFolder } from '../common/folders.ts';
import { labelText } from '../common/window.ts';

/** What an item of the Test Explorer stands for. */
export interface TestNode {
  readonly folder: vscode.WorkspaceFolder;
  /** The test or group of tests; absent for folders. */
  readonly key?: TestKey;
}

interface KnownNode extends TestNode {
  /** Found by reading its file, which may not be what the test runner finds. */
  isScanned?: boolean;
  /** It can't be run without the test above it. */
  isPart?: boolean;
  /** Its line is that of the definition in the text. A test runner names that of the first decorator. */
  isPlaced?: boolean;
}

/** The items of the Test Explorer: folders, files, groups, tests, and cases. */
export class TestTree {
  readonly #controller: vscode.TestController;
  readonly #nodes = new WeakMap<vscode.TestItem, KnownNode>();
  /** By the folder's URI and the key's text. */
  readonly #items = new Map<string, vscode.TestItem>();

  constructor(controller: vscode.TestController) {
    this.#controller = controller;
  }

  nodeOf(item: vscode.TestItem): TestNode | undefined {
    return this.#nodes.get(item);
  }

  find(folder: vscode.WorkspaceFolder, key: TestKey): vscode.TestItem | undefined {
    return this.#items.get(idOf(folder, key));
  }

  /** Removes everything. */
  clear(): void {
    this.#controller.items.replace([]);
    this.#items.clear();
  }

  /** Returns the item of a test or group, and creates it with those above it. */
  item(folder: vscode.WorkspaceFolder, key: TestKey): vscode.TestItem {
    const known = this.find(folder, key);
    if (known) return known;
    const [file, ...names] = key;
    if (names.length === 0) return this.#fileItem(folder, file);
    const parent = this.item(folder, key.slice(0, -1) as [string, ...string[]]);
    const name = names.at(-1) ?? '';
    const label = isCase(key) ? name.slice(names.at(-2)?.length) : name;
    const item = this.#create(name, label, parent.uri, { folder, key });
    parent.children.add(item);
    return item;
  }

  /** Adds files whose tests are found when they are needed. */
  addFiles(folder: vscode.WorkspaceFolder, files: readonly string[]): void {
    for (const file of files) {
      const isNew = !this.find(folder, [file]);
      const item = this.item(folder, [file]);
      if (isNew) item.canResolveChildren = true;
    }
  }

  /** Shows the tests that were found by reading a file. Those that only the test runner knows are kept. */
  setScanned(folder: vscode.WorkspaceFolder, file: string, tests: readonly ScannedTest[]): void {
    const item = this.item(folder, [file]);
    item.canResolveChildren = false;
    const kept = new Set<string>();
    const visit = (parent: TestKey, children: readonly ScannedTest[]) => {
      for (const { name, line, children: inner } of children) {
        const key: TestKey = [...parent, name];
        kept.add(keyText(key));
        const isNew = !this.find(folder, key);
        const test = this.item(folder, key);
        if (isNew) this.#nodeOf(test).isScanned = true;
        place(test, line);
        this.#nodeOf(test).isPlaced = true;
        visit(key, inner);
      }
    };
    visit([file], tests);
    this.#prune(item, (each) => this.#nodeOf(each).isScanned === true && !kept.has(keyText(this.#keyOf(each))));
  }

  /** Shows tests that a test runner has found. */
  add(folder: vscode.WorkspaceFolder, tests: readonly FoundTest[]): void {
    for (const { key, line, isPart } of tests) {
      for (let length = 2; length <= key.length; length += 1) {
        const item = this.item(folder, key.slice(0, length) as [string, ...string[]]);
        this.#nodeOf(item).isScanned = false;
        if (length === key.length) this.#nodeOf(item).isPart = isPart;
        if (line === undefined || length < key.length - 1 || this.#nodeOf(item).isPlaced) continue;
        // The cases of a test share its line.
        const above = length === key.length && isCase(key) ? item.parent?.range : undefined;
        if (length === key.length || !item.range) place(item, above?.start.line ?? line);
      }
      const file = this.find(folder, [key[0]]);
      if (!file) continue;
      file.canResolveChildren = false;
      file.error = undefined;
    }
  }

  /** Removes the tests of groups (all if undefined) that a test runner didn't find. Broken files are kept as they are. */
  keepOnly(
    folder: vscode.WorkspaceFolder,
    groups: readonly TestKey[] | undefined,
    isFound: (key: TestKey) => boolean,
  ): void {
    for (const item of [...this.#items.values()]) {
      const node = this.#nodeOf(item);
      const { key } = node;
      if (node.folder !== folder || !key || item.children.size > 0 || isFound(key) || item.error) continue;
      if (groups === undefined || groups.some((group) => isWithinKey(key, group))) this.#remove(item);
    }
  }

  /** Removes a file. */
  removeFile(folder: vscode.WorkspaceFolder, file: string): void {
    const item = this.find(folder, [file]);
    if (item) this.#remove(item);
  }

  /** Yields the items without others below them, those of an item or of everything. */
  *leaves(items: Iterable<vscode.TestItem> = this.roots()): Generator<vscode.TestItem> {
    for (const item of items) {
      if (item.children.size === 0) yield item;
      else yield* this.leaves(childrenOf(item));
    }
  }

  roots(): vscode.TestItem[] {
    return itemsOf(this.#controller.items);
  }

  /** Removes the parts of a test that it no longer has. */
  removeParts(item: vscode.TestItem, isFound: (key: TestKey) => boolean): void {
    for (const child of childrenOf(item)) {
      if (this.#nodeOf(child).isPart && !isFound(this.#keyOf(child))) {
        this.#forget(child);
        item.children.delete(child.id);
      }
    }
  }

  /** Returns the items of files. */
  filesOf(folder: vscode.WorkspaceFolder): vscode.TestItem[] {
    return [...this.#items.values()].filter((item) => {
      const node = this.#nodeOf(item);
      return node.folder === folder && node.key?.length === 1;
    });
  }

  /** Returns the key with which an item is run, or those of the files in a folder. */
  keysOf(item: vscode.TestItem): TestKey[] {
    const { key, isPart } = this.#nodeOf(item);
    if (isPart && item.parent) return this.keysOf(item.parent);
    return key ? [key] : childrenOf(item).flatMap((each) => this.keysOf(each));
  }

  #fileItem(folder: vscode.WorkspaceFolder, file: string): vscode.TestItem {
    const isInside = !posix.isAbsolute(file) && !file.startsWith('../');
    const uri = isInside ? vscode.Uri.file(join(syncedFolder(folder).path, file)) : undefined;
    const item = this.#create(file, posix.basename(file), uri, { folder, key: [file] });
    this.#folderItems(folder, isInside ? posix.dirname(file) : '.').add(item);
    return item;
  }

  /** Returns the items of a folder in a workspace folder, `.` for itself, which has an item only if there are several. */
  #folderItems(folder: vscode.WorkspaceFolder, path: string): vscode.TestItemCollection {
    if (path === '.' && diskFolders().length === 1) return this.#controller.items;
    const id = `${folder.uri}/${path}`;
    const known = this.#items.get(id);
    if (known) return known.children;
    const uri = vscode.Uri.file(join(syncedFolder(folder).path, path));
    const item = this.#controller.createTestItem(id, labelText(path === '.' ? folder.name : posix.basename(path)), uri);
    this.#nodes.set(item, { folder });
    this.#items.set(id, item);
    const above = path === '.' ? this.#controller.items : this.#folderItems(folder, posix.dirname(path));
    above.add(item);
    return item.children;
  }

  #create(id: string, label: string, uri: vscode.Uri | undefined, node: TestNode & { key: TestKey }): vscode.TestItem {
    const item = this.#controller.createTestItem(id, labelText(label), uri);
    this.#nodes.set(item, node);
    this.#items.set(idOf(node.folder, node.key), item);
    return item;
  }

  #prune(item: vscode.TestItem, isGone: (each: vscode.TestItem) => boolean): void {
    for (const child of childrenOf(item)) {
      if (isGone(child)) this.#remove(child);
      else this.#prune(child, isGone);
    }
  }

  /** Removes an item, and those above it that have no others. */
  #remove(item: vscode.TestItem): void {
    this.#forget(item);
    const { parent } = item;
    (parent ? parent.children : this.#controller.items).delete(item.id);
    if (parent && parent.children.size === 0) this.#remove(parent);
  }

  #forget(item: vscode.TestItem): void {
    for (const child of childrenOf(item)) this.#forget(child);
    const { folder, key } = this.#nodeOf(item);
    this.#items.delete(key ? idOf(folder, key) : item.id);
  }

  #nodeOf(item: vscode.TestItem): KnownNode {
    return this.#nodes.get(item) as KnownNode;
  }

  #keyOf(item: vscode.TestItem): TestKey {
    return this.#nodeOf(item).key as TestKey;
  }
}

/** Returns true for a case, which is named like its test, with its parameters. */
function isCase(key: TestKey): boolean {
  return key.length > 2 && (key.at(-1) ?? '').startsWith(`${key.at(-2)}[`);
}

/** Returns the items of a collection. */
export function itemsOf(collection: vscode.TestItemCollection): vscode.TestItem[] {
  return [...collection].map(([, item]) => item);
}

function childrenOf(item: vscode.TestItem): vscode.TestItem[] {
  return itemsOf(item.children);
}

function idOf({ uri }: vscode.WorkspaceFolder, key: TestKey): string {
  return `${uri}\n${keyText(key)}`;
}

/** Sets an item's line, from 0. */
function place(item: vscode.TestItem, line: number): void {
  if (item.range?.start.line !== line) item.range = new vscode.Range(line, 0, line, 0);
}
