import type * as vscode from 'vscode';
import { UserError } from '../../../base/errors.ts';
import { TASK_TYPE } from '../../../run/task-definition.ts';
import type { TaskReference } from '../../../run/tasks/tasks-json.ts';
import { diskFolders } from '../../common/folders.ts';
import { shown } from '../../common/report.ts';
import { window } from '../../common/window.ts';
import { strings } from '../strings.ts';
import type { Scope } from './modal-tasks.ts';
import { npmScript } from './npm-script.ts';
import type { SandboxTasks } from './sandbox-tasks.ts';
import { type Candidate, dependencyOf, findCandidates, isOffered } from './task-candidates.ts';

/** A task, and those that must run before it. */
interface Plan {
  readonly candidate: Candidate;
  readonly before: readonly Plan[];
}

/** The run of a task with its dependencies. */
interface PlannedRun {
  /** Resolves when the task itself has started, or can't. */
  readonly started: Promise<void>;
  /** Resolves with the exit code when tasks that depend on this one can start; undefined if it didn't run. */
  readonly ready: Promise<number | undefined>;
}

/** Runs the workspace's own tasks in sandboxes. */
export class WorkspaceTasks {
  readonly #tasks: SandboxTasks;

  constructor(tasks: SandboxTasks) {
    this.#tasks = tasks;
  }

  /**
   * `modal.runTask`: runs a task of the workspace in the sandbox as VS Code would run it here, after the tasks that it
   * depends on. Asks which one if there is no name. Resolves when it has started.
   */
  async run(name?: string): Promise<void> {
    await shown(async () => {
      const all = await findCandidates();
      const offered = all.filter(isOffered);
      if (offered.length === 0) throw new UserError(strings.noTasks());
      const picked = name ? offered.find((each) => each.name === name) : await pickTask(offered);
      if (picked) await this.#start(planOf(picked, all), new Map(), false).started;
    });
  }

  /** Starts a task once those before it are ready. `runs` has the tasks that other parts of the plan have started. */
  #start(plan: Plan, runs: Map<string, PlannedRun>, isDependency = true): PlannedRun {
    const { candidate } = plan;
    const known = runs.get(candidate.key);
    if (known) return known;
    const started = Promise.withResolvers<void>();
    const ready = this.#dependencies(plan, runs).then(async (exitCode) => {
      if (exitCode !== 0 || !runsItself(candidate)) return exitCode;
      const run = await this.#tasks.start(candidate, isDependency);
      started.resolve();
      return run.ready;
    });
    void ready.then(
      () => started.resolve(),
      (error) => started.reject(error),
    );
    const run = { started: started.promise, ready };
    // A dependency that can't start is reported where its result is awaited.
    run.started.catch(() => {});
    runs.set(candidate.key, run);
    return run;
  }

  /** Runs what a task depends on. Resolves with the first exit code that isn't 0. */
  async #dependencies({ candidate, before }: Plan, runs: Map<string, PlannedRun>): Promise<number | undefined> {
    if (candidate.configured?.isSequence) {
      for (const each of before) {
        const exitCode = await this.#start(each, runs).ready;
        if (exitCode !== 0) return exitCode;
      }
      return 0;
    }
    const exitCodes = await Promise.all(before.map((each) => this.#start(each, runs).ready));
    return exitCodes.every((exitCode) => exitCode === 0) ? 0 : exitCodes.find((exitCode) => exitCode !== 0);
  }
}

/** Finds all tasks that must run. Throws `UserError` if one of them can't run in a sandbox, before any has started. */
function planOf(candidate: Candidate, all: readonly Candidate[], above: readonly Candidate[] = []): Plan {
  const { name, configured } = candidate;
  if (above.includes(candidate)) throw new UserError(strings.dependencyCycle(name));
  // VS Code itself runs what a `modal` task depends on.
  if (isModal(candidate)) return { candidate, before: [] };
  const dependsOn = configured?.dependsOn ?? [];
  if (!runsItself(candidate) && !configured?.isCustom) throw new UserError(strings.taskCannotRun(name));
  const before = dependsOn.map((reference) => {
    const dependency = dependencyOf(reference, candidate, all) ?? npmScript(reference, candidate.scope);
    if (!dependency) throw new UserError(strings.noDependency(name, nameOf(reference)));
    return planOf(dependency, all, [...above, candidate]);
  });
  return { candidate, before };
}

function isModal({ task }: Candidate): boolean {
  return task?.definition.type === TASK_TYPE;
}

/** Returns false for a task that only runs others. */
function runsItself(candidate: Candidate): boolean {
  return candidate.command !== undefined || isModal(candidate);
}

function nameOf(reference: TaskReference): string {
  return typeof reference === 'string' ? reference : JSON.stringify(reference);
}

/** Returns where a task comes from, with the folder if there are several. */
function describeOrigin(task: vscode.Task | undefined, scope: Scope): string {
  const folder = typeof scope === 'object' && diskFolders().length > 1 ? scope.name : '';
  return [task?.source, folder].filter(Boolean).join(' · ');
}

async function pickTask(candidates: readonly Candidate[]): Promise<Candidate | undefined> {
  const items = candidates
    .filter(({ configured }) => !configured?.isHidden)
    .map((candidate) => {
      const { name, task, scope } = candidate;
      return { candidate, label: name, description: describeOrigin(task, scope), detail: task?.detail ?? '' };
    });
  const picked = await window.showQuickPick(items, {
    title: strings.runTaskTitle(),
    placeHolder: strings.runTaskPlaceholder(),
  });
  return picked?.candidate;
}
