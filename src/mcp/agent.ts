import { systemClock } from '../base/clock.ts';
import { logError } from '../base/log.ts';
import { billing } from '../sandboxes/session.ts';
import { AgentBudget } from './budget.ts';
import { AgentFiles } from './files.ts';
import type { AgentHost, AgentOptions } from './host.ts';
import { AgentPermissions, type PolicyFile } from './permissions.ts';
import { AgentRuns } from './runs.ts';
import { type AgentSandbox, AgentSandboxes } from './sandboxes.ts';
import { SyncAnswers } from './sync-answers.ts';

/** How long stopping the runs of a session may take. */
const STOP_TIMEOUT_MS = 5_000;

/** One session of an agent: its sandboxes, runs, budget, and permissions. Nothing of it is shared with another session. */
export class Agent {
  readonly host: AgentHost;
  readonly options: AgentOptions;
  readonly permissions: AgentPermissions;
  readonly budget: AgentBudget;
  readonly sandboxes: AgentSandboxes;
  readonly runs: AgentRuns;
  /** By name: `snapshot-1`. */
  readonly snapshots = new Map<string, string>();
  readonly #synced = new WeakSet<AgentSandbox>();

  constructor(host: AgentHost, options: AgentOptions, policy: PolicyFile) {
    this.host = host;
    this.options = options;
    this.permissions = new AgentPermissions(policy);
    this.budget = new AgentBudget(options.budgetUsd, systemClock);
    this.sandboxes = new AgentSandboxes(host, options, this.budget, this.permissions);
    this.runs = new AgentRuns(host, this.sandboxes, this.permissions);
    this.budget.onDidSpend(() => void this.#endForBudget().catch(logError));
  }

  /** Returns the files of a sandbox that has the folder's files. Throws `PermissionNeeded`. */
  async files(handle: string | undefined, signal: AbortSignal): Promise<AgentFiles> {
    const used = await this.sandboxes.of(handle, signal);
    if (!this.#synced.has(used)) {
      const { syncs, sessions } = this.host.services;
      const { folder } = this.host;
      const answers = new SyncAnswers(folder, used, this.permissions);
      const consent = syncs.consent(folder, billing(await sessions.connection()));
      try {
        await syncs.of(folder).push(used.sandbox, { ask: answers.ask, consent, signal });
      } catch (error) {
        throw answers.needed ?? (await this.sandboxes.goneError(used)) ?? error;
      }
      this.#synced.add(used);
    }
    return new AgentFiles(used, this.permissions);
  }

  /** Stops everything that the agent has started. Clients don't wait for long, so the sandboxes end at the same time. */
  async dispose(): Promise<void> {
    this.budget.dispose();
    await Promise.all([this.runs.stopAll(STOP_TIMEOUT_MS), this.sandboxes.dispose()]);
  }

  /** Ends everything because the budget is spent. Terminating the sandboxes stops their programs at once. */
  async #endForBudget(): Promise<void> {
    const error = this.budget.spentError();
    await Promise.all([this.runs.stopAll(STOP_TIMEOUT_MS, error), this.sandboxes.endAll('budget')]);
  }
}
