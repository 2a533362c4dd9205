import { randomUUID } from 'node:crypto';
import type { ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { HOUR_MS } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import { logError } from '../base/log.ts';
import { logLine } from '../base/log-lines.ts';
import { formatBytes, formatDuration } from '../base/text.ts';
import { isAccountProblem, isSandboxGone, SandboxEndedError } from '../modal/errors.ts';
import { NOT_STARTED_EXIT_CODES, requireShell } from '../modal/shell.ts';
import type { Session } from '../sandboxes/session.ts';
import type { PreparedRun, PushResult } from '../sync/engine.ts';
import { HEARTBEAT_INTERVAL_MS, type TerminalSize } from './control.ts';
import { endOfDetached } from './detached/detached-program.ts';
import type { KeptExec } from './detached/exec-output.ts';
import type { DetachedPlace } from './detached/output.ts';
import { detachedFolder } from './detached/script.ts';
import { OutputPacer, type SkipListener } from './output-pacer.ts';
import {
  commandOf,
  type ProgramCommand,
  type ProgramEnd,
  type RunningProgram,
  roomForSync,
  startProgram,
} from './program.ts';
import { pullOutputs } from './pull-outputs.ts';
import type { Recording } from './records/run-records.ts';
import type { RunOutput, RunRequest } from './request.ts';
import { CANCELED, exited, failureOf, type RunResult } from './result.ts';
import type { RunServices } from './services.ts';
import { describeStart } from './session-start.ts';
import { Stdin } from './stdin.ts';
import { strings } from './strings.ts';
import { progressLine, syncReport } from './sync-report.ts';

const INTERRUPT = '\u0003';
const RESIZE_DEBOUNCE_MS = 50;
/** The number of times that a sync is prepared again because the sandbox's files weren't as expected. */
const SYNC_ATTEMPTS = 4;

/** One run, from its session through sync, program, and streams to its end. `done` never rejects. */
export class Run {
  readonly id = randomUUID();
  readonly done: Promise<RunResult>;
  readonly #request: RunRequest;
  readonly #services: RunServices;
  readonly #output: RunOutput;
  readonly #cancel = new AbortController();
  readonly #stdin = new Stdin();
  readonly #pacers: { readonly stdout: OutputPacer; readonly stderr: OutputPacer };
  #size: TerminalSize | undefined;
  #program: RunningProgram | undefined;
  #session: Session | undefined;
  #resizing: NodeJS.Timeout | undefined;
  #hasStarted = false;
  #outputBytes = 0;
  /** Passes on what the program of a detached run has printed. */
  readonly #detachedPacer: OutputPacer;
  /** Resolves with the time when the program has started (`performance.now()`). */
  readonly #started = Promise.withResolvers<number>();
  #isDetached = false;
  /** The program is running, but this window has lost it. */
  #isLost = false;
  readonly #startedAt = performance.now();
  readonly #recording: Recording | undefined;
  #synced: PushResult | undefined;
  /** The time when a sandbox was available (`performance.now()`). */
  #acquiredAt = 0;

  constructor(request: RunRequest, services: RunServices, output: RunOutput, size?: TerminalSize) {
    this.#request = request;
    this.#services = services;
    this.#output = output;
    this.#size = size;
    this.#recording = request.record === 'none' ? undefined : services.records?.begin(this.id, request);
    const skips: SkipListener = {
      skipping: (bytes) => output.progress(strings.skippingOutput(formatBytes(bytes))),
      skipped: (bytes) => output.status(strings.skippedOutput(formatBytes(bytes))),
    };
    const counted = (bytes: Uint8Array, stream: 'stdout' | 'stderr') => {
      this.#outputBytes += bytes.length;
      if (stream === 'stdout' || request.record === 'both') this.#recording?.add(bytes);
      return bytes;
    };
    this.#pacers = {
      stdout: new OutputPacer((bytes) => output.stdout(counted(bytes, 'stdout')), skips, output),
      stderr: new OutputPacer((bytes) => output.stderr(counted(bytes, 'stderr')), skips, output),
    };
    this.#detachedPacer = new OutputPacer((bytes) => output.stdout(counted(bytes, 'stdout')), skips, output);
    if (request.input) void this.#stdin.pipe(request.input);
    const ended = this.#run().catch((error): RunResult => {
      if (this.#cancel.signal.aborted) return CANCELED;
      const needsAccount = isAccountProblem(error) && !this.#hasStarted;
      return { ...failureOf(error), ...(needsAccount && { needsAccount }) };
    });
    this.done = ended.then(async (result) => {
      logLine.ran(request.programs[0]?.argv[0] ?? '', result, this.#outputBytes);
      if (!this.#isLost) this.#recording?.end(result, this.#synced);
      if (this.#isDetached) await services.detached?.finish(this.id, this.#isLost ? undefined : result).catch(logError);
      return result;
    });
  }

  /** True once the program has started if it outlives its terminal and its window. */
  get outlivesWindow(): boolean {
    return this.#isDetached && this.#hasStarted;
  }

  /** The sandbox in which the program is running; undefined before and after. */
  get sandboxId(): string | undefined {
    return this.#program?.sandboxId;
  }

  /**
   * Sends typed text, as soon as the program has started. An interrupt (Ctrl+C) before that, or after all output, cancels the run; another one
   * also skips the output that is still waiting to be shown.
   */
  write(text: string): void {
    if (text.includes(INTERRUPT)) {
      if (this.#program && !this.#program.hasEnded) this.#pacers.stdout.skipAhead();
      else this.cancel();
    } else this.#pacers.stdout.typed();
    this.#stdin.write(text);
  }

  /** Closes the program's input after the text typed so far. */
  endInput(): void {
    this.#stdin.end();
  }

  /** Resizes the terminal. Of sizes in quick succession, as while dragging, only the last is sent. */
  resize(size: TerminalSize): void {
    this.#size = size;
    clearTimeout(this.#resizing);
    if (this.#program && this.#request.pty)
      this.#resizing = setTimeout(() => void this.#program?.resize(size), RESIZE_DEBOUNCE_MS);
  }

  /** Cancels the run at any stage. A program is stopped with its child processes. */
  cancel(): void {
    this.#cancel.abort();
  }

  async #run(): Promise<RunResult> {
    for (let attempt = 0; ; attempt += 1) {
      const session = await untilAborted(this.#acquire(), this.#cancel.signal);
      try {
        this.#acquiredAt = performance.now();
        this.#session = session;
        if (attempt === 0) this.#recording?.inSandbox();
        const { end, syncedAt, firstOutputAt } = await this.#execute(session);
        const endedAt = performance.now();
        const result = await this.#resultOf(end, session);
        const hasPulled = this.#request.pull.length + session.pull.length > 0;
        return {
          ...result,
          sandboxId: session.sandbox.sandboxId,
          timings: {
            startMs: this.#acquiredAt - this.#startedAt,
            syncMs: syncedAt - this.#acquiredAt,
            ...(firstOutputAt !== undefined && { firstOutputMs: firstOutputAt - syncedAt }),
            runMs: endedAt - syncedAt,
            ...(hasPulled && { pullMs: performance.now() - endedAt }),
          },
          ...(session.pricePerHourUsd !== undefined && {
            costUsd: (session.pricePerHourUsd * (endedAt - this.#startedAt)) / HOUR_MS,
            pricePerHourUsd: session.pricePerHourUsd,
          }),
          ...(session.profile && { profile: session.profile }),
        };
      } catch (error) {
        if (isSandboxGone(error))
          await this.#services.sessions.drop(session, error instanceof SandboxEndedError ? error.end : 'found');
        this.#isLost = this.#isDetached && this.#hasStarted && !isSandboxGone(error) && !this.#cancel.signal.aborted;
        // Never run a program twice without being asked.
        if (!isSandboxGone(error) || this.#request.sandboxId || this.#hasStarted) throw error;
        // An existing sandbox might have stopped since the last run; one that just started shouldn't have.
        if (session.isNew || attempt > 0) throw error;
        this.#output.status(strings.sandboxStopped());
      }
    }
  }

  /** Pulls the outputs if the program has exited. */
  async #resultOf(end: ProgramEnd['end'], session: Session): Promise<RunResult> {
    if ('error' in end) return { outcome: 'failed', ...end };
    const { exitCode, isSignal } = end;
    const { signal } = this.#cancel;
    if (signal.aborted) return exited(exitCode, { isSignal });
    const error = await pullOutputs(this.#request, session, this.#services, this.#output, signal);
    return error === undefined ? exited(exitCode, { isSignal }) : { outcome: 'failed', error, exitCode };
  }

  async #acquire(): Promise<Session> {
    const startedAt = performance.now();
    this.#output.progress(strings.startingSandbox());
    const { folder, profile, sandboxId } = this.#request;
    const { sessions } = this.#services;
    const session = await (sandboxId
      ? sessions.attach(sandboxId, folder)
      : sessions.acquire(folder, profile, this.#cancel.signal));
    for (const line of describeStart(session, formatDuration(performance.now() - startedAt))) this.#output.status(line);
    return session;
  }

  /** Syncs and starts the program, with a single command if the changes are small, and follows it to its end. */
  async #execute(session: Session): Promise<ProgramEnd> {
    const { copy } = this.#request;
    if (copy) {
      await untilAborted(session.sandbox.filesystem.writeBytes(copy.content, copy.path), this.#cancel.signal);
      this.#output.status(copy.reason);
    }
    const { hostVolume, sandbox } = session;
    const isDetached = this.#request.detach && (await this.#note(session));
    const place = isDetached ? { runId: this.id, sandboxId: sandbox.sandboxId, hostVolume } : undefined;
    const command = commandOf(this.id, this.#request, place && detachedFolder(this.id, place.hostVolume));
    for (let attempt = 1; ; attempt += 1) {
      const room = roomForSync(command, this.#size);
      const sync = this.#request.sync ? await this.#prepareSync(session, attempt === 1, room) : undefined;
      const ended = await this.#attempt(session.sandbox, command, sync, place);
      // Without a shell, nothing was synced, and no program was started.
      if (!ended || ('exitCode' in ended.end && NOT_STARTED_EXIT_CODES.includes(ended.end.exitCode)))
        await untilAborted(requireShell(session.sandbox), this.#cancel.signal);
      if (ended) return ended;
      if (attempt === SYNC_ATTEMPTS) throw new UserError(strings.workspaceKeptChanging(), { actions: ['retry'] });
    }
  }

  /** Lets a running program outlive this window, with its output until its sandbox ends. Resolves with false if none is running. */
  async keep(): Promise<boolean> {
    const [program, session] = [this.#program, this.#session];
    if (this.outlivesWindow) return true;
    if (!program?.execId || !session || !this.#hasStarted) return false;
    if (!(await this.#note(session, { execId: program.execId, hasSync: this.#request.sync }))) return false;
    await program.keep();
    if (this.#program === program) return true;
    await this.#services.detached?.finish(this.id, await this.done);
    return false;
  }

  /** Notes that the program outlives this window. Resolves with false if nothing keeps track of that. */
  async #note(session: Session, exec: KeptExec = {}): Promise<boolean> {
    const { detached } = this.#services;
    if (!detached || !this.#recording) return false;
    this.#isDetached = true;
    const preparedMs = performance.now() - this.#startedAt;
    await detached.begin(this.id, session, this.#recording, { preparedMs, ...exec });
    return true;
  }

  async #prepareSync(session: Session, isFirst: boolean, maxScriptChars: number): Promise<PreparedRun> {
    const { syncs, showWhile } = this.#services;
    this.#output.progress(strings.syncing());
    const preparing = syncs.of(this.#request.folder).prepareRun(session.sandbox, {
      signal: this.#cancel.signal,
      fresh: isFirst && session.isNew,
      maxScriptChars,
      ask: this.#services.ask,
      consent: syncs.consent(this.#request.folder, session),
      onProgress: (progress) => this.#output.progress(progressLine(progress)),
    });
    return showWhile ? showWhile(strings.syncing(), preparing) : preparing;
  }

  /** Resolves with undefined if the sandbox's files weren't those that the sync was prepared for. */
  async #attempt(
    sandbox: Sandbox,
    command: ProgramCommand,
    sync: PreparedRun | undefined,
    place: DetachedPlace | undefined,
  ): Promise<ProgramEnd | undefined> {
    const { sessions, commands } = this.#services;
    const { client } = await sessions.connection();
    const size = this.#request.pty ? this.#size : undefined;
    const program = await this.#start(client, sandbox, command, sync, size);
    this.#program = program;
    if (this.#size && this.#size !== size) this.resize(this.#size);
    const { sandboxId } = sandbox;
    const removeCommand = commands?.add({ runId: this.id, sandboxId, label: this.#request.label });
    const heartbeats = setInterval(() => {
      void program.heartbeat();
      void sessions.noteUse(sandboxId);
    }, HEARTBEAT_INTERVAL_MS);
    try {
      if (!place) return await program.waitForEnd();
      return await endOfDetached(program, {
        place,
        client,
        sandbox,
        started: this.#started.promise,
        pacer: this.#detachedPacer,
        signal: this.#cancel.signal,
        onGap: (bytes) => {
          this.#output.status(strings.skippedOutput(formatBytes(bytes)));
          this.#recording?.skip(bytes);
        },
      });
    } finally {
      clearInterval(heartbeats);
      removeCommand?.();
      clearTimeout(this.#resizing);
      this.#program = undefined;
      // What was typed before the program has started waits for the next attempt.
      if (this.#hasStarted) this.#stdin.disconnect();
    }
  }

  async #start(
    modal: ModalClient,
    sandbox: Sandbox,
    command: ProgramCommand,
    sync: PreparedRun | undefined,
    size: TerminalSize | undefined,
  ): Promise<RunningProgram> {
    const options = {
      runId: this.id,
      request: this.#request,
      command,
      output: this.#output,
      pacers: this.#pacers,
      stdin: this.#stdin,
      signal: this.#cancel.signal,
      modal,
      sandbox,
      sync,
      onStarted: (synced: PushResult | undefined, syncedAt: number) => {
        this.#hasStarted = true;
        this.#started.resolve(syncedAt);
        this.#output.started?.();
        // Report the same duration as the run's last line.
        if (synced) this.#reportSync({ ...synced, durationMs: syncedAt - this.#acquiredAt });
      },
    };
    try {
      return await startProgram(options, size);
    } catch (error) {
      await sync?.settle({ kind: 'unknown' });
      throw error;
    }
  }

  #reportSync(result: PushResult): void {
    this.#synced = result;
    if (this.#output.synced) this.#output.synced(result);
    else for (const line of syncReport(result)) this.#output.status(line);
  }
}
