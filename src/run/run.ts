import { randomUUID } from 'node:crypto';
import type { ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { UserError } from '../base/errors.ts';
import { formatBytes, formatDuration } from '../base/text.ts';
import { explainAndLog, isAccountProblem, isSandboxGone } from '../modal/errors.ts';
import type { Session } from '../sandboxes/session.ts';
import type { PreparedRun, PushResult } from '../sync/engine.ts';
import { HEARTBEAT_INTERVAL_MS, type TerminalSize } from './control.ts';
import { OutputPacer } from './output-pacer.ts';
import { type ProgramEnd, type RunningProgram, startProgram } from './program.ts';
import { pullOutputs } from './pull-outputs.ts';
import type { RunOutput, RunRequest } from './request.ts';
import { CANCELED, exited, type RunResult } from './result.ts';
import type { RunServices } from './services.ts';
import { Stdin } from './stdin.ts';
import { progressLine, syncReport } from './sync-report.ts';

const INTERRUPT = '\u0003';
const RESIZE_DEBOUNCE_MS = 50;

/** How often a run is prepared anew, when the sandbox holds something else than was known. */
const SYNC_ATTEMPTS = 4;

/** One run: session, sync, exec, streams, end. `done` never rejects. */
export class Run {
  readonly id = randomUUID();
  readonly done: Promise<RunResult>;
  readonly #request: RunRequest;
  readonly #services: RunServices;
  readonly #output: RunOutput;
  readonly #cancel = new AbortController();
  readonly #stdin = new Stdin();
  readonly #pacer: OutputPacer;
  #size: TerminalSize | undefined;
  #program: RunningProgram | undefined;
  #resizing: NodeJS.Timeout | undefined;
  #hasStarted = false;
  /** When there was a sandbox (`performance.now()`). */
  #acquiredAt = 0;

  constructor(request: RunRequest, services: RunServices, output: RunOutput, size?: TerminalSize) {
    this.#request = request;
    this.#services = services;
    this.#output = output;
    this.#size = size;
    this.#pacer = new OutputPacer((bytes) => output.stdout(bytes), {
      skipping: (bytes) => output.progress(`Interrupted. Skipping what was printed before: ${formatBytes(bytes)}…`),
      skipped: (bytes) => output.status(`${formatBytes(bytes)} of output from before the interrupt are not shown`),
    });
    this.done = this.#run().catch((error): RunResult => {
      if (this.#cancel.signal.aborted) return CANCELED;
      return {
        outcome: 'failed',
        error: explainAndLog(error),
        ...(isAccountProblem(error) && { needsAccount: true }),
      };
    });
  }

  /** Where the program runs; absent before it does, and after. */
  get sandboxId(): string | undefined {
    return this.#program?.sandboxId;
  }

  /**
   * What was typed. It is kept until the program is there; an interrupt (Ctrl+C) before that stops the run, and one after
   * it also leaves out the output that is still waiting to be shown.
   */
  write(text: string): void {
    if (text.includes(INTERRUPT)) {
      if (this.#program) this.#pacer.skipAhead();
      else this.cancel();
    }
    this.#stdin.write(text);
  }

  /** The program's input ends after what was typed so far. */
  endInput(): void {
    this.#stdin.end();
  }

  /** The terminal has another size. Sizes that follow each other quickly, as while dragging, are told once. */
  resize(size: TerminalSize): void {
    this.#size = size;
    clearTimeout(this.#resizing);
    if (this.#program) this.#resizing = setTimeout(() => void this.#program?.resize(size), RESIZE_DEBOUNCE_MS);
  }

  /** Stops whatever the run is at; a program is ended with everything it has started. */
  cancel(): void {
    this.#cancel.abort();
  }

  async #run(): Promise<RunResult> {
    const startedAt = performance.now();
    for (let attempt = 0; ; attempt += 1) {
      const session = await untilAborted(this.#acquire(), this.#cancel.signal);
      try {
        this.#acquiredAt = performance.now();
        const { end, syncedAt, firstAt } = await this.#execute(session);
        const endedAt = performance.now();
        return {
          ...(await this.#resultOf(end, session)),
          sandboxId: session.sandbox.sandboxId,
          timings: {
            startMs: this.#acquiredAt - startedAt,
            syncMs: syncedAt - this.#acquiredAt,
            ...(firstAt !== undefined && { firstOutputMs: firstAt - syncedAt }),
            runMs: endedAt - syncedAt,
          },
          ...(session.pricePerHourUsd !== undefined && {
            costUsd: (session.pricePerHourUsd * (endedAt - startedAt)) / 3_600_000,
          }),
          ...(session.profile && { profile: session.profile }),
        };
      } catch (error) {
        if (isSandboxGone(error)) await this.#services.sessions.drop(session);
        // What has run once is not run again behind its user's back.
        if (!isSandboxGone(error) || this.#request.sandboxId || this.#hasStarted) throw error;
        // A kept sandbox may have ended since the last run; one that was just started should not have.
        if (session.isNew || attempt > 0) throw error;
        this.#output.status('The sandbox has ended; starting another');
      }
    }
  }

  /** Pulls the outputs of a program that has exited. */
  async #resultOf(end: ProgramEnd['end'], session: Session): Promise<RunResult> {
    if ('error' in end) return { outcome: 'failed', error: end.error };
    const { exitCode } = end;
    const { signal } = this.#cancel;
    if (signal.aborted) return exited(exitCode);
    const error = await pullOutputs(this.#request, session, this.#services, this.#output, signal);
    return error === undefined ? exited(exitCode) : { outcome: 'failed', error, exitCode };
  }

  async #acquire(): Promise<Session> {
    const startedAt = performance.now();
    this.#output.progress('Starting a sandbox…');
    const { folder, profile, sandboxId } = this.#request;
    const { sessions } = this.#services;
    const session = await (sandboxId ? sessions.attach(sandboxId, folder) : sessions.acquire(folder, profile));
    if (session.isNew) {
      const took = formatDuration(performance.now() - startedAt);
      this.#output.status(`Started sandbox ${session.sandbox.sandboxId} on ${session.accountLabel} in ${took}`);
    }
    if (session.taken)
      this.#output.status(
        `Took the sandbox ${session.sandbox.sandboxId}, which was ${session.taken === 'warm' ? 'kept warm' : 'left behind by an earlier window'}`,
      );
    if (session.isOutdated)
      this.#output.status(
        `This sandbox is older than its profile “${session.profile}”; “Modal: Replace Sandbox” starts a new one`,
      );
    return session;
  }

  /** Syncs and starts the program with one command where the change is small, and follows the program to its end. */
  async #execute(session: Session): Promise<ProgramEnd> {
    await this.#writeCopy(session.sandbox);
    for (let attempt = 1; ; attempt += 1) {
      const sync = this.#request.sync ? await this.#prepareSync(session, attempt === 1) : undefined;
      const ended = await this.#attempt(session.sandbox, sync);
      if (ended) return ended;
      if (attempt === SYNC_ATTEMPTS) {
        throw new UserError(
          'The workspace in the sandbox kept changing while it was synced. Stop what writes to it there, then run again.',
        );
      }
    }
  }

  async #writeCopy({ filesystem }: Sandbox): Promise<void> {
    const { copy } = this.#request;
    if (!copy) return;
    await untilAborted(filesystem.writeText(copy.content, copy.path), this.#cancel.signal);
    this.#output.status(copy.reason);
  }

  async #prepareSync(session: Session, isFirst: boolean): Promise<PreparedRun> {
    const { syncs, showWhile } = this.#services;
    this.#output.progress('Syncing…');
    const preparing = syncs.of(this.#request.folder).prepareRun(session.sandbox, {
      signal: this.#cancel.signal,
      fresh: isFirst && session.isNew,
      // What the local Modal gets does not leave this machine.
      ask: (question) => (!session.isBilled && question.kind === 'first-sync') || this.#services.ask(question),
      onProgress: (progress) => this.#output.progress(progressLine(progress)),
    });
    return showWhile ? showWhile('Syncing…', preparing) : preparing;
  }

  /** Undefined when the sandbox turned out to hold something else than the sync was made for. */
  async #attempt(sandbox: Sandbox, sync: PreparedRun | undefined): Promise<ProgramEnd | undefined> {
    const { sessions, commands } = this.#services;
    const { client } = await sessions.connection();
    const size = this.#request.pty ? this.#size : undefined;
    const program = await this.#start(client, sandbox, sync, size);
    this.#program = program;
    if (size && this.#size && this.#size !== size) this.resize(this.#size);
    const { sandboxId } = sandbox;
    const noteEnd = commands?.add({ runId: this.id, sandboxId, label: this.#request.label });
    const signsOfLife = setInterval(() => {
      void program.touch();
      void sessions.noteUse(sandboxId);
    }, HEARTBEAT_INTERVAL_MS);
    try {
      return await program.toEnd();
    } finally {
      clearInterval(signsOfLife);
      noteEnd?.();
      clearTimeout(this.#resizing);
      this.#program = undefined;
      this.#stdin.disconnect();
    }
  }

  async #start(
    modal: ModalClient,
    sandbox: Sandbox,
    sync: PreparedRun | undefined,
    size: TerminalSize | undefined,
  ): Promise<RunningProgram> {
    const parts = {
      runId: this.id,
      request: this.#request,
      output: this.#output,
      pacer: this.#pacer,
      stdin: this.#stdin,
      signal: this.#cancel.signal,
      modal,
      sandbox,
      sync,
      onStarted: (synced: PushResult | undefined, syncedAt: number) => {
        this.#hasStarted = true;
        // The line that ends the run tells the same time.
        if (synced) this.#tellSync({ ...synced, durationMs: syncedAt - this.#acquiredAt });
      },
    };
    try {
      return await startProgram(parts, size);
    } catch (error) {
      await sync?.settle({ kind: 'unknown' });
      throw error;
    }
  }

  #tellSync(result: PushResult): void {
    if (this.#output.synced) this.#output.synced(result);
    else for (const line of syncReport(result)) this.#output.status(line);
  }
}
