import { untilAborted } from '../base/cancellation.ts';
import { Emitter } from '../base/events.ts';
import { endOfRun } from '../run/end-of-run.ts';
import { BoundedOutput } from '../run/records/bounded-output.ts';
import type { Redaction } from '../run/records/redaction.ts';
import type { RunRequest } from '../run/request.ts';
import type { RunResult } from '../run/result.ts';
import { Run } from '../run/run.ts';
import { AgentError, agentError } from './errors.ts';
import type { AgentHost } from './host.ts';
import { type AgentPermissions, PermissionNeeded } from './permissions.ts';
import type { AgentSandbox, AgentSandboxes } from './sandboxes.ts';
import { strings } from './strings.ts';
import { SyncAnswers } from './sync-answers.ts';

/** The most that is kept of a run's output: this much of its start, and of its end. */
const KEPT_BYTES = 2 * 1024 * 1024;
/** The runs that have ended and whose output can still be read. */
const MAX_ENDED = 20;
/** The most that is kept of what a run says about its start and sync. */
const MAX_NOTES = 8;

/** A run of an agent, from the start of its sandbox to its end. */
export class AgentRun {
  /** Its name for the agent: `run-1`. */
  readonly handle: string;
  /** The command line. */
  readonly label: string;
  readonly startedAt = performance.now();
  readonly output = new BoundedOutput(KEPT_BYTES);
  /** What was said about the start and the sync. */
  readonly notes: string[] = [];
  /** The current step, before the program has started. */
  step = strings.preparing();
  hasStarted = false;
  sandbox: AgentSandbox | undefined;
  redaction: Redaction | undefined;
  /** Set at the end. */
  result: RunResult | undefined;
  /** Why it failed, if no program was run to its end. */
  error: AgentError | PermissionNeeded | undefined;
  durationMs: number | undefined;
  /** Resolves at the end. Never rejects. */
  readonly done: Promise<void>;
  readonly #cancel = new AbortController();
  readonly #didPrint = new Emitter<void>();
  #reason: AgentError | undefined;

  /** `follow` runs it to its end, and rejects if it fails. */
  constructor(handle: string, label: string, follow: (run: AgentRun, signal: AbortSignal) => Promise<void>) {
    this.handle = handle;
    this.label = label;
    this.done = follow(this, this.#cancel.signal)
      .catch((error) => {
        this.error = error instanceof PermissionNeeded ? error : agentError(error);
      })
      .finally(() => {
        this.error = this.#reason ?? this.error;
        this.durationMs = performance.now() - this.startedAt;
      });
  }

  get hasEnded(): boolean {
    return this.durationMs !== undefined;
  }

  /**
   * Stops it with its child processes, and waits until it has ended, or for as long as given. With a reason, that is why it
   * failed.
   */
  async stop(timeoutMs: number, reason?: AgentError): Promise<void> {
    this.#reason ??= reason;
    this.#cancel.abort(reason ?? new AgentError('failed', strings.stopped(this.handle)));
    await this.wait(timeoutMs);
  }

  /** Adds output of the program. */
  print(bytes: Uint8Array): void {
    this.output.add(bytes);
    this.#didPrint.fire();
  }

  /**
   * Waits until it has ended, or has printed more than a number of bytes, for at most as long as given. Rejects with the signal's
   * reason.
   */
  async wait(timeoutMs: number, signal?: AbortSignal, bytes = Number.POSITIVE_INFINITY): Promise<void> {
    const enough = Promise.withResolvers<void>();
    const timer = setTimeout(enough.resolve, timeoutMs);
    const check = () => this.output.bytes > bytes && enough.resolve();
    const listening = this.#didPrint.event(check);
    check();
    try {
      await untilAborted(Promise.race([this.done, enough.promise]), signal);
    } finally {
      clearTimeout(timer);
      listening.dispose();
    }
  }
}

/** The runs of one session of an agent. */
export class AgentRuns {
  readonly #host: AgentHost;
  readonly #sandboxes: AgentSandboxes;
  readonly #permissions: AgentPermissions;
  readonly #runs = new Map<string, AgentRun>();
  #last = 0;

  constructor(host: AgentHost, sandboxes: AgentSandboxes, permissions: AgentPermissions) {
    this.#host = host;
    this.#sandboxes = sandboxes;
    this.#permissions = permissions;
  }

  get all(): readonly AgentRun[] {
    return [...this.#runs.values()];
  }

  /** Returns a run by its handle; without one, the last one. Throws `AgentError` that names the valid ones. */
  get(handle: string | undefined): AgentRun {
    const run = handle === undefined ? this.all.at(-1) : this.#runs.get(handle);
    if (run) return run;
    const known = this.all.map((each) => each.handle).join(', ');
    if (handle === undefined) throw new AgentError('invalid', strings.noRun());
    throw new AgentError('invalid', strings.unknownHandle(handle, known));
  }

  /** Starts a run in a sandbox, given by its handle; without one, in the usual sandbox. */
  start(request: RunRequest, sandbox: string | undefined): AgentRun {
    this.#last += 1;
    const run = new AgentRun(`run-${this.#last}`, request.label, (self, signal) =>
      this.#follow(self, request, sandbox, signal),
    );
    this.#runs.set(run.handle, run);
    const ended = this.all.filter((each) => each.hasEnded);
    for (const old of ended.slice(0, -MAX_ENDED)) this.#runs.delete(old.handle);
    return run;
  }

  /** Forgets a run that needs the user's permission before it can start. */
  withdraw(run: AgentRun): void {
    this.#runs.delete(run.handle);
    if (run.handle === `run-${this.#last}`) this.#last -= 1;
  }

  /** Stops all runs, for a reason if one is given. Never throws. */
  async stopAll(timeoutMs: number, reason?: AgentError): Promise<void> {
    await Promise.all(this.all.filter((run) => !run.hasEnded).map((run) => run.stop(timeoutMs, reason)));
  }

  async #follow(self: AgentRun, request: RunRequest, handle: string | undefined, signal: AbortSignal): Promise<void> {
    // The caller gets the run first.
    await Promise.resolve();
    const isFirst = handle === undefined && !this.#sandboxes.hasCurrent;
    const used = await this.#sandboxes.of(handle, signal);
    self.sandbox = used;
    if (isFirst) self.notes.push(strings.sandboxIs(used.handle, used.origin));
    self.redaction = await this.#host.redaction(used.profile);
    signal.throwIfAborted();
    const answers = new SyncAnswers(this.#host.folder, used, this.#permissions);
    const run = new Run(
      { ...request, sandboxId: used.sandbox.sandboxId, pty: false },
      { ...this.#host.services, ask: answers.ask },
      {
        isUnpaced: true,
        status: (line) => self.notes.length < MAX_NOTES && self.notes.push(line),
        progress: (line) => {
          self.step = line;
        },
        started: () => {
          self.hasStarted = true;
        },
        stdout: (bytes) => self.print(bytes),
        stderr: (bytes) => self.print(bytes),
      },
    );
    run.endInput();
    const result = await endOfRun(run, signal);
    self.result = result;
    if (result.outcome !== 'failed') return;
    throw answers.needed ?? (await this.#sandboxes.goneError(used)) ?? new AgentError('failed', result.error);
  }
}
