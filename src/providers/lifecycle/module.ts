import * as vscode from 'vscode';
import { wallClock } from '../../base/clock.ts';
import { logError } from '../../base/log.ts';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import { dropIfEnded } from '../../sandboxes/drop-ended.ts';
import { Lifetimes } from '../../sandboxes/lifetimes.ts';
import type { Snapshot } from '../../snapshots/snapshots.ts';
import { registerCommands } from '../common/commands.ts';
import { LifecycleCommands, type LifecycleDependencies } from './lifecycle-commands.ts';

export interface LifecycleModule extends vscode.Disposable {
  /** Fires after a sandbox was paused or resumed, which takes and uses snapshots. */
  readonly onDidChangeSnapshots: vscode.Event<void>;
}

/** Pausing and resuming sandboxes, and what happens when one is about to expire or was resumed by a run. */
export function lifecycleModule(dependencies: LifecycleDependencies): LifecycleModule {
  const { sessions, commands } = dependencies;
  const changedSnapshots = new vscode.EventEmitter<void>();
  const actions = new LifecycleCommands(dependencies);
  const lifetimes = new Lifetimes({
    clock: wallClock,
    lifetimes: () => sessions.lifetimes(),
    isBusy: (sandboxId) => commands.in(sandboxId).length > 0,
    save: ({ folder, named }) => sessions.terminateOf(folder, named.name).catch(logError),
    check: ({ sandbox }) => dropIfEnded(sessions, sandbox),
  });
  const disposable = vscode.Disposable.from(
    changedSnapshots,
    lifetimes,
    lifetimes.onNearEnd((lifetime) => void actions.nearEnd(lifetime)),
    sessions.onDidResume((resumed) => void actions.resumed(resumed)),
    sessions.onDidChange(() => void lifetimes.update()),
    registerCommands({
      'modal.pauseSandbox': (row?: SandboxSummary) => actions.pause(row).then(() => changedSnapshots.fire()),
      'modal.resumeSandbox': (row?: Snapshot) => actions.resume(row).then(() => changedSnapshots.fire()),
    }),
  );
  return Object.assign(disposable, { onDidChangeSnapshots: changedSnapshots.event });
}
