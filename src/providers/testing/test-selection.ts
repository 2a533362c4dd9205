import type * as vscode from 'vscode';
import type { TestFramework } from '../../testing/framework.ts';
import { TEST_FRAMEWORKS } from '../../testing/frameworks.ts';
import type { TestKey } from '../../testing/test-key.ts';
import { diskFolders } from '../common/folders.ts';
import { itemsOf, type TestTree } from './test-tree.ts';

/** The tests of a request in one folder, of one framework. */
export interface FolderTests {
  readonly folder: vscode.WorkspaceFolder;
  readonly framework: TestFramework;
  readonly items: readonly vscode.TestItem[];
  /** Undefined for all tests. */
  readonly select: readonly TestKey[] | undefined;
}

/** Returns the tests of a request by folder and framework, without those that it excludes. */
export function selectedTests(
  tree: TestTree,
  { include, exclude = [] }: Pick<vscode.TestRunRequest, 'include' | 'exclude'>,
): FolderTests[] {
  const excluded = new Set(exclude);
  const hasSeveral = diskFolders().length > 1;
  return diskFolders().flatMap((folder): FolderTests[] => {
    const asked = (include ?? tree.roots()).filter((item) => tree.nodeOf(item)?.folder === folder);
    // With several folders, each has an item of its own.
    const isAll = include === undefined || asked.some((item) => hasSeveral && !item.parent);
    const isWhole = isAll && excluded.size === 0;
    const items = isWhole ? asked : without(asked, excluded);
    if (items.length === 0) return [];
    return TEST_FRAMEWORKS.flatMap((framework): FolderTests[] => {
      const own = items.flatMap((item) => ownItems(tree, item, framework));
      if (own.length === 0) return [];
      const select = isWhole && framework.findsFiles ? undefined : own.flatMap((item) => tree.keysOf(item));
      return [{ folder, framework, items: own, select }];
    });
  });
}

/** Returns an item, or the files in a folder, whose tests are a framework's. */
function ownItems(tree: TestTree, item: vscode.TestItem, framework: TestFramework): vscode.TestItem[] {
  const { key } = tree.nodeOf(item) ?? {};
  if (key) return framework.owns(key[0]) ? [item] : [];
  return itemsOf(item.children).flatMap((each) => ownItems(tree, each, framework));
}

/** Returns items, or what is below them, without those that are excluded. */
function without(items: readonly vscode.TestItem[], excluded: ReadonlySet<vscode.TestItem>): vscode.TestItem[] {
  return items.flatMap((item) => {
    if (excluded.has(item)) return [];
    const isAbove = [...excluded].some((each) => isBelow(each, item));
    return isAbove ? without(itemsOf(item.children), excluded) : [item];
  });
}

/** Returns true if an item is another one or below it. */
export function isBelow(item: vscode.TestItem, other: vscode.TestItem): boolean {
  for (let at: vscode.TestItem | undefined = item; at; at = at.parent) if (at === other) return true;
  return false;
}
