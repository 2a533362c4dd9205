import type * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import type { FoundTest, TestFailure } from '../../testing/events.ts';
import type { TestFramework } from '../../testing/framework.ts';
import type { ResultListener } from '../../testing/results.ts';
import { keyText, type TestKey } from '../../testing/test-key.ts';
import type { TestTree } from './test-tree.ts';

/** Shows the tests of a folder that a test runner finds, and no results. */
export class FoundTests implements ResultListener {
  protected readonly tree: TestTree;
  protected readonly folder: vscode.WorkspaceFolder;
  readonly #found = new Set<string>();

  constructor(tree: TestTree, folder: vscode.WorkspaceFolder) {
    this.tree = tree;
    this.folder = folder;
  }

  found(tests: readonly FoundTest[]): void {
    for (const { key } of tests) this.keep(key);
    this.tree.add(this.folder, tests);
  }

  broken(file: string, failure: TestFailure): void {
    const [lastLine = ''] = failure.message.trim().split('\n').slice(-1);
    this.item([file]).error = cleanLine(lastLine.replace(/^E\s+/, ''));
  }

  started(_key: TestKey): void {}
  ended(..._: Parameters<ResultListener['ended']>): void {}

  /** Removes a framework's tests of groups (all if undefined) that weren't found. Call once all are found. */
  removeOthers(framework: TestFramework, groups: readonly TestKey[] | undefined): void {
    this.tree.keepOnly(this.folder, groups, (key) => !framework.owns(key[0]) || this.isFound(key));
  }

  protected isFound(key: TestKey): boolean {
    return this.#found.has(keyText(key));
  }

  /** Notes that a test and the groups that it's in were found. */
  protected keep(key: TestKey): void {
    for (let length = 1; length <= key.length; length += 1) this.#found.add(JSON.stringify(key.slice(0, length)));
  }

  protected item(key: TestKey): vscode.TestItem {
    return this.tree.item(this.folder, key);
  }
}
