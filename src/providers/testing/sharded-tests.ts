import type * as vscode from 'vscode';
import { aboutUsd } from '../../modal/prices.ts';
import type { RunServices } from '../../run/services.ts';
import { billing } from '../../sandboxes/session.ts';
import { runShards, splitTests, type TestDurations } from '../../testing/shards.ts';
import { keyText, type TestKey } from '../../testing/test-key.ts';
import { syncedFolder } from '../common/folders.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';
import type { TestRunView } from './test-run-view.ts';
import { startProblem, type TestRunner } from './test-runner.ts';
import type { FolderTests } from './test-selection.ts';
import type { TestTree } from './test-tree.ts';

const COUNTS = [2, 4, 8, 16];

export interface ShardedTestsOptions {
  readonly tree: TestTree;
  readonly runner: TestRunner;
  readonly services: RunServices;
  readonly durations: TestDurations;
  readonly signal: AbortSignal;
}

/** Asks for a number of sandboxes, with what they cost, and runs tests in them at the same time. */
export async function runInSeveralSandboxes(
  view: TestRunView,
  { folder, framework, items }: FolderTests,
  { tree, runner, services, durations, signal }: ShardedTestsOptions,
): Promise<void> {
  const all = [...tree.leaves(items)].flatMap((item) => tree.keysOf(item));
  // Parts of a test run together.
  const keys = [...new Map(all.map((key) => [keyText(key), key])).values()];
  const count = await askForCount(folder, keys, services);
  if (count === undefined) return;
  const { program, tests, known } = await runner.prepare(folder, framework, {});
  const ends = await runShards({
    framework,
    program,
    tests,
    groups: splitTests(keys, count, (key) => durations.of(key)),
    services,
    listener: view,
    known: known.keys,
    signal,
    onOutput: (text) => view.output(text),
    onStatus: (line) => view.status(line),
  });
  const worst = ends.find(({ isComplete }) => !isComplete) ?? ends[0];
  view.notRun(
    items,
    ends.map(({ results }) => results),
    worst?.reason ?? '',
  );
  const problem = ends.map((end) => startProblem(end, signal)).find((each) => each !== undefined);
  if (problem) throw problem;
}

async function askForCount(
  folder: vscode.WorkspaceFolder,
  tests: readonly TestKey[],
  { sessions }: RunServices,
): Promise<number | undefined> {
  const { profile } = await sessions.profile(syncedFolder(folder));
  const { pricePerHourUsd } = billing(await sessions.connection(), profile);
  const picked = await window.showQuickPick(
    COUNTS.map((count) => ({
      count,
      label: strings.shardCount(count),
      description:
        pricePerHourUsd === undefined ? strings.shardFree() : strings.shardPrice(aboutUsd(pricePerHourUsd * count)),
    })),
    { title: strings.shardsTitle(), placeHolder: strings.shardsPlaceholder(tests.length) },
  );
  return picked?.count;
}
