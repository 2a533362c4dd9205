import type { Snapshot } from './snapshots.ts';

/** A save point, and the lines of save points that begin at it, if there are several. */
export interface SavePointNode {
  readonly point: Snapshot;
  /** Each is a line, the latest save point first. */
  readonly branches: readonly (readonly SavePointNode[])[];
}

/** The save points of a folder and profile. */
export interface SavePointGroup {
  readonly folderKey: string | undefined;
  readonly folderName: string | undefined;
  readonly profile: string | undefined;
  /** The latest save point first. */
  readonly nodes: readonly SavePointNode[];
}

/**
 * Arranges save points as a tree for each folder and profile. Save points that follow each other are one line. Where a sandbox
 * went back to a save point and continued differently, the lines that follow are its branches.
 */
export function savePointGroups(snapshots: readonly Snapshot[]): SavePointGroup[] {
  const points = snapshots.filter(({ savePoint }) => savePoint !== undefined);
  const groups = Map.groupBy(points, ({ folderKey, profile }) => JSON.stringify([folderKey, profile]));
  return [...groups.values()].flatMap((group): SavePointGroup[] => {
    const [first] = group;
    if (!first) return [];
    const { folderKey, folderName, profile } = first;
    const ids = new Set(group.map(({ id }) => id));
    const byParent = Map.groupBy(group, ({ parent }) => (parent !== undefined && ids.has(parent) ? parent : undefined));
    const roots = (byParent.get(undefined) ?? []).map((root) => lineFrom(root, byParent));
    const nodes = roots.flat().sort((a, b) => b.point.createdAt - a.point.createdAt);
    return [{ folderKey, folderName, profile, nodes }];
  });
}

function lineFrom(root: Snapshot, byParent: ReadonlyMap<string | undefined, readonly Snapshot[]>): SavePointNode[] {
  const line: SavePointNode[] = [];
  for (let point: Snapshot | undefined = root; point; ) {
    const next: readonly Snapshot[] = byParent.get(point.id) ?? [];
    const [only] = next;
    const isLine = next.length === 1;
    line.unshift({ point, branches: isLine ? [] : next.map((each) => lineFrom(each, byParent)) });
    point = isLine ? only : undefined;
  }
  return line;
}

/** What to delete of save points: those before a time, or all but the latest. */
export type CleanUp = { readonly before: number } | { readonly keep: number };

/** Returns the save points of a group that a clean-up deletes, such as the automatic ones alone. */
export function pointsToDelete(points: readonly Snapshot[], cleanUp: CleanUp): Snapshot[] {
  const latestFirst = [...points].sort((a, b) => b.createdAt - a.createdAt);
  return 'keep' in cleanUp
    ? latestFirst.slice(cleanUp.keep)
    : latestFirst.filter(({ createdAt }) => createdAt < cleanUp.before);
}
