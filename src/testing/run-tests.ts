import { endOfRun } from '../run/end-of-run.ts';
import type { RunRequest } from '../run/request.ts';
import type { RunResult } from '../run/result.ts';
import { Run } from '../run/run.ts';
import type { RunServices } from '../run/services.ts';
import { CoverageSum } from './coverage.ts';
import { EventReader, type EventSink, type TestEvent, type TestedFile } from './events.ts';
import type { TestFramework, TestProject } from './framework.ts';
import { type ResultListener, TestResults } from './results.ts';
import { strings } from './strings.ts';
import type { TestKey } from './test-key.ts';

export interface TestRunOptions {
  /** A run of the framework's. */
  readonly request: RunRequest;
  readonly framework: Pick<TestFramework, 'ranCodes' | 'reader'>;
  readonly services: RunServices;
  readonly listener: ResultListener;
  /** The keys of tests found earlier, by ID. Those that this run finds are added. */
  readonly known?: Map<string, TestKey>;
  /** Cancels the run: the program is stopped with what it started. */
  readonly signal?: AbortSignal;
  /** Receives the program's own output. */
  onOutput(text: string): void;
  /** Receives lines about the sandbox. */
  onStatus(line: string): void;
  /** Receives the current step, `''` when it's over. */
  onProgress?(line: string): void;
  /** The program's output consists of the events of another one. */
  readonly isOfEvents?: boolean;
  /** Why tests have no result if the run is canceled. */
  readonly canceledReason?: string;
  /** Receives what the tests have executed of a file, at the end. */
  onCoverage?(file: TestedFile): void;
  /** Called once the runner has come to its own end. */
  onFinished?(): void;
  /** Called once all tests are found, those of one file if it's given. */
  onCollected?(file: string | undefined): void;
}

/** How a run of tests has ended. */
export interface TestRunEnd {
  readonly result: RunResult;
  readonly results: TestResults;
  /** Why tests have no result, as a sentence. */
  readonly reason: string;
  /** True if the runner has come to its own end. */
  readonly isComplete: boolean;
  /** The runner that the sandbox doesn't have, and the interpreter that needs it. */
  readonly missing?: Pick<Extract<TestEvent, { kind: 'missing' }>, 'name' | 'python'> | undefined;
  readonly project?: TestProject | undefined;
}

/** Runs tests, and reports their results as they come. Each test that has started gets a result. Never rejects. */
export async function runTests(options: TestRunOptions): Promise<TestRunEnd> {
  const { listener, known, signal, framework, isOfEvents = false, canceledReason = strings.canceled() } = options;
  const results = new TestResults(listener, known);
  const coverage = new CoverageSum();
  let missing: TestRunEnd['missing'];
  let obstacle: string | undefined;
  let project: TestProject | undefined;
  const take = (event: TestEvent) => {
    // It failed because it was canceled.
    if (signal?.aborted && isFailure(event)) return;
    if (event.kind === 'missing') missing = event;
    else if (event.kind === 'unsuitable') obstacle = strings.unsuitable(event.needs, event.found);
    else if (event.kind === 'session') project = { root: event.root, ini: event.ini ?? undefined };
    else if (event.kind === 'collected') options.onCollected?.(event.file);
    else if (event.kind === 'coverage') coverage.add(event);
    else results.take(event);
    if (event.kind === 'finish') options.onFinished?.();
  };
  const sink: EventSink = { event: take, text: (text) => options.onOutput(text) };
  const reader = isOfEvents ? eventsOnly(sink) : framework.reader(sink);
  const run = new Run({ ...options.request, pty: false, record: isOfEvents ? 'none' : 'stdout' }, options.services, {
    isUnpaced: true,
    status: (line) => options.onStatus(line),
    progress: (line) => options.onProgress?.(line),
    stdout: (bytes) => reader.stdout(bytes),
    stderr: (bytes) => reader.stderr(bytes),
  });
  const result = await endOfRun(run, signal);
  for (const file of coverage.files()) options.onCoverage?.(file);
  if (missing) obstacle = strings.noRunner(missing.name);
  const hasRun = results.hasFinished && result.outcome === 'exited' && framework.ranCodes.has(result.exitCode);
  const reason = signal?.aborted ? canceledReason : (obstacle ?? reasonOf(result, hasRun, results.hasStarted));
  results.end(reason);
  return { result, results, reason, isComplete: hasRun, missing, project };
}

function isFailure(event: TestEvent): boolean {
  if (event.kind === 'broken') return true;
  return event.kind === 'result' && (event.outcome === 'failed' || event.outcome === 'error');
}

function reasonOf(result: RunResult, hasRun: boolean, hasStarted: boolean): string {
  if (result.outcome === 'failed') return result.error;
  if (result.outcome === 'canceled') return strings.canceled();
  const { exitCode, signal } = result;
  if (signal !== undefined) return strings.endedBySignal(signal);
  if (hasRun) return strings.notStarted();
  return hasStarted ? strings.endedEarly(exitCode) : strings.failedToStart(exitCode);
}

/** Returns a reader of a file of events. */
function eventsOnly(sink: EventSink): { stdout(bytes: Uint8Array): void; stderr(bytes: Uint8Array): void } {
  const events = new EventReader({ ...sink, text: () => {} });
  return { stdout: (bytes) => events.feed(bytes), stderr() {} };
}
