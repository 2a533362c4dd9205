import * as vscode from 'vscode';
import { DAY_MS } from '../../base/clock.ts';
import { strings as formats } from '../../base/strings.ts';
import { formatBytes, formatDuration } from '../../base/text.ts';
import { formatUsd } from '../../modal/prices.ts';
import { commandTo } from '../../providers/common/commands.ts';
import { window } from '../../providers/common/window.ts';
import type { DetachedRuns } from '../../run/detached/detached-runs.ts';
import { describeRecord } from '../../run/records/describe.ts';
import type { RunRecord } from '../../run/records/record.ts';
import { dayOf, type RunRecords } from '../../run/records/run-records.ts';
import { tooltipOf } from '../common/tooltip.ts';
import { strings } from './strings.ts';

/** The pause before the rows are drawn again, because a run writes several times in quick succession. */
const REDRAW_DELAY_MS = 100;

interface DayRow {
  /** Such as `2026-12-01`. */
  readonly day: string;
}

export type RunsRow = DayRow | RunRecord;

export interface RunsTreeOptions {
  readonly records: RunRecords;
  readonly detached: Pick<DetachedRuns, 'all' | 'onDidChange'>;
  /** Returns whether a window of this computer is open. */
  isOpen(windowId: string): Promise<boolean>;
}

/** The Runs view: the runs of all windows on this computer, by day. Reads only the days that are expanded. */
export class RunsTree implements vscode.TreeDataProvider<RunsRow>, vscode.Disposable {
  readonly view: vscode.TreeView<RunsRow>;
  readonly #options: RunsTreeOptions;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #disposables: { dispose(): void }[];
  /** The runs without an end whose windows are open. */
  readonly #running = new Set<string>();
  /** The IDs of those that outlive their windows. */
  #detached: ReadonlySet<string> = new Set();
  readonly #watching: vscode.Disposable[] = [];
  #redrawing: NodeJS.Timeout | undefined;

  constructor(options: RunsTreeOptions) {
    this.#options = options;
    const { records, detached } = options;
    this.view = window.createTreeView('modal.runs', { treeDataProvider: this, canSelectMany: true });
    this.#disposables = [
      this.view,
      this.#changed,
      records.onDidChange(() => this.#redraw()),
      detached.onDidChange(() => this.#redraw()),
      this.view.onDidChangeVisibility(() => {
        this.#watch();
        this.#redraw();
      }),
    ];
    this.#watch();
  }

  dispose(): void {
    clearTimeout(this.#redrawing);
    for (const each of [...this.#disposables, ...this.#watching]) each.dispose();
  }

  async getChildren(row?: RunsRow): Promise<RunsRow[]> {
    const { records, detached, isOpen } = this.#options;
    if (!row) return (await records.days()).map((day) => ({ day }));
    if (!('day' in row)) return [];
    const runs = await records.ofDay(row.day);
    this.#detached = new Set((await detached.all()).map(({ id }) => id));
    for (const { id, windowId, end } of runs) {
      if (!end && (this.#detached.has(id) || (await isOpen(windowId)))) this.#running.add(id);
      else this.#running.delete(id);
    }
    return runs;
  }

  getTreeItem(row: RunsRow): vscode.TreeItem {
    return 'day' in row ? dayItem(row.day) : this.#runItem(row);
  }

  #runItem(record: RunRecord): vscode.TreeItem {
    const { id, at, label, end, again } = record;
    const isRunning = this.#running.has(id);
    const item = new vscode.TreeItem(label);
    item.id = id;
    item.description = isRunning && this.#detached.has(id) ? strings.detached() : describeRecord(record, isRunning);
    item.tooltip = tooltipOf(`${label} · ${new Date(at).toLocaleTimeString()}`, factsOf(record));
    item.iconPath = iconOf(record, isRunning);
    const state = end ? 'ended' : isRunning ? 'running' : 'lost';
    const isDetached = isRunning && this.#detached.has(id);
    item.contextValue = [
      'run',
      state,
      isDetached && 'detached',
      again && 'repeatable',
      isDebuggable(record) && 'debuggable',
    ]
      .filter(Boolean)
      .join(',');
    item.command = commandTo('modal.openRunOutput', strings.output(), record);
    item.accessibilityInformation = { label: strings.runLabel(label, item.description) };
    return item;
  }

  /** Watches the files, which other windows write, too, while the view is visible. */
  #watch(): void {
    for (const each of this.#watching.splice(0)) each.dispose();
    if (!this.view.visible) return;
    const files = new vscode.RelativePattern(vscode.Uri.file(this.#options.records.dir), '*.jsonl');
    const watcher = vscode.workspace.createFileSystemWatcher(files);
    const changed = () => this.#redraw();
    this.#watching.push(watcher, watcher.onDidCreate(changed), watcher.onDidChange(changed));
  }

  #redraw(): void {
    if (!this.view.visible || this.#redrawing) return;
    this.#redrawing = setTimeout(() => {
      this.#redrawing = undefined;
      this.#changed.fire(undefined);
    }, REDRAW_DELAY_MS);
  }
}

/** Returns whether a run can be debugged from its record. */
function isDebuggable({ again }: RunRecord): boolean {
  return again?.kind === 'file' && again.uri.endsWith('.py');
}

function dayItem(day: string): vscode.TreeItem {
  const now = Date.now();
  const isToday = day === dayOf(now);
  const date = new Date(`${day}T00:00`).toLocaleDateString([], { weekday: 'short', month: 'short', day: 'numeric' });
  const label = isToday ? strings.today() : day === dayOf(now - DAY_MS) ? strings.yesterday() : date;
  const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const item = new vscode.TreeItem(label, isToday ? Expanded : Collapsed);
  item.id = day;
  item.contextValue = 'day';
  return item;
}

function iconOf({ end }: RunRecord, isRunning: boolean): vscode.ThemeIcon {
  if (!end) return new vscode.ThemeIcon(isRunning ? 'sync~spin' : 'question');
  if (end.outcome === 'canceled') return new vscode.ThemeIcon('circle-slash');
  return end.outcome === 'exited' && end.exitCode === 0
    ? new vscode.ThemeIcon('pass', new vscode.ThemeColor('testing.iconPassed'))
    : new vscode.ThemeIcon('error', new vscode.ThemeColor('testing.iconFailed'));
}

function factsOf({ at, command, folder, end }: RunRecord): [label: string, text: string][] {
  const { profile, sandboxId, timings, synced, costUsd, pricePerHourUsd, output } = end ?? {};
  const took = (ms: number | undefined) => (ms === undefined ? undefined : formatDuration(ms));
  const sync =
    timings && synced
      ? strings.syncOf(formatDuration(timings.syncMs), formats.files(synced.files), formatBytes(synced.bytes))
      : took(timings?.syncMs);
  const facts: [string, string | undefined][] = [
    [strings.command(), command],
    [strings.started(), new Date(at).toLocaleString()],
    [strings.folder(), folder.name],
    [strings.profile(), profile],
    [strings.sandbox(), sandboxId],
    [strings.start(), took(timings?.startMs)],
    [strings.sync(), sync],
    [strings.firstOutput(), took(timings?.firstOutputMs)],
    [strings.program(), took(timings?.runMs)],
    [strings.pull(), took(timings?.pullMs)],
    [strings.output(), output && formatBytes(output.bytes)],
    [
      strings.cost(),
      costUsd === undefined || pricePerHourUsd === undefined
        ? undefined
        : strings.costOf(formatUsd(costUsd), formatUsd(pricePerHourUsd)),
    ],
  ];
  return facts.flatMap(([label, text]): [string, string][] => (text ? [[label, text]] : []));
}
