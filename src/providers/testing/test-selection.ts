import type * as vscode from 'vscode';
import type { TestKey } from '../../testing/test-key.ts';
import { diskFolders } from '../common/folders.ts';
import type { TestTree } from './test-tree.ts';

/** The tests of a request in one folder. */
export interface FolderTests {
  readonly folder: vscode.WorkspaceFolder;
  readonly items: readonly vscode.TestItem[];
  /** Undefined for all tests. */
  readonly select: readonly TestKey[] | undefined;
}

/** Returns the tests of a request by folder, without those that it excludes. */
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
    return [{ folder, items, select: isWhole ? undefined : items.flatMap((item) => tree.keysOf(item)) }];
  });
}

/** Returns items, or what is below them, without those that are excluded. */
function without(items: readonly vscode.TestItem[], excluded: ReadonlySet<vscode.TestItem>): vscode.TestItem[] {
  return items.flatMap((item) => {
    if (excluded.has(item)) return [];
    const isAbove = [...excluded].some((each) => isBelow(each, item));
    return isAbove
      ? without(
          [...item.children].map(([, child]) => child),
          excluded,
        )
      : [item];
  });
}

/** Returns true if an item is another one or below it. */
export function isBelow(item: vscode.TestItem, other: vscode.TestItem): boolean {
  for (let at: vscode.TestItem | undefined = item; at; at = at.parent) if (at === other) return true;
  return false;
}
