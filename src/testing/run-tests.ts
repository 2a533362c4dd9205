import type { RunRequest } from '../run/request.ts';
import type { RunResult } from '../run/result.ts';
import { endOfRun, Run } from '../run/run.ts';
import type { RunServices } from '../run/services.ts';
import { EventReader, type TestEvent, type TestedFile } from './events.ts';
import type { PytestProject } from './pytest.ts';
import { type ResultListener, TestResults } from './results.ts';
import { strings } from './strings.ts';
import type { TestKey } from './test-key.ts';

export interface TestRunOptions {
  /** A run whose program writes events to stderr. */
  readonly request: RunRequest;
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
  /** The stream of the program that has the events. Defaults to stderr. */
  readonly eventsOn?: 'stdout' | 'stderr';
  /** Why tests have no result if the run is canceled. */
  readonly canceledReason?: string;
  /** Receives what a file's tests have executed. */
  onCoverage?(file: TestedFile): void;
  /** Called once the runner has come to its own end. */
  onFinished?(): void;
  /** Called once all tests are found. */
  onCollected?(): void;
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
  readonly project?: PytestProject | undefined;
}

/** Exit codes of pytest with which it has run tests, or has found none. */
const RAN = new Set([0, 1, 2, 5]);

/** Runs tests, and reports their results as they come. Each test that has started gets a result. Never rejects. */
export async function runTests(options: TestRunOptions): Promise<TestRunEnd> {
  const { listener, known, signal, eventsOn = 'stderr', canceledReason = strings.canceled() } = options;
  const results = new TestResults(listener, known);
  let missing: TestRunEnd['missing'];
  let project: PytestProject | undefined;
  const take = (event: TestEvent) => {
    if (event.kind === 'missing') missing = event;
    else if (event.kind === 'session') project = { root: event.root, ini: event.ini ?? undefined };
    else if (event.kind === 'collected') options.onCollected?.();
    else if (event.kind === 'coverage') options.onCoverage?.(event);
    else results.take(event);
    if (event.kind === 'finish') options.onFinished?.();
  };
  const reader = new EventReader(take, (text) => options.onOutput(text));
  const decoder = new TextDecoder();
  const events = (bytes: Uint8Array) => reader.feed(bytes);
  const text = (bytes: Uint8Array) => options.onOutput(decoder.decode(bytes, { stream: true }));
  const run = new Run(
    { ...options.request, pty: false, record: eventsOn === 'stdout' ? 'none' : 'stdout' },
    options.services,
    {
      isUnpaced: true,
      status: (line) => options.onStatus(line),
      progress: (line) => options.onProgress?.(line),
      stdout: eventsOn === 'stdout' ? events : text,
      stderr: eventsOn === 'stderr' ? events : text,
    },
  );
  const result = await endOfRun(run, signal);
  const reason = signal?.aborted ? canceledReason : reasonOf(result, results, missing?.name);
  results.end(reason);
  const isComplete = results.hasFinished && result.outcome === 'exited' && RAN.has(result.exitCode);
  return { result, results, reason, isComplete, missing, project };
}

function reasonOf(result: RunResult, { hasFinished, hasStarted }: TestResults, missing: string | undefined): string {
  if (missing !== undefined) return strings.noRunner(missing);
  if (result.outcome === 'failed') return result.error;
  if (result.outcome === 'canceled') return strings.canceled();
  const { exitCode, signal } = result;
  if (signal !== undefined) return strings.endedBySignal(signal);
  if (hasFinished && RAN.has(exitCode)) return strings.notStarted();
  return hasStarted ? strings.endedEarly(exitCode) : strings.failedToStart(exitCode);
}
