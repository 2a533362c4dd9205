import {
  type FoundTest,
  foundTests,
  type TestEvent,
  type TestFailure,
  type TestOutcome,
  type TestResult,
} from './events.ts';
import { strings } from './strings.ts';
import { keyText, type TestKey } from './test-key.ts';

/** Where the results of a test run are shown. */
export interface ResultListener {
  /** Tests were found, some of which may be known. */
  found(tests: readonly FoundTest[]): void;
  started(key: TestKey): void;
  /** A test has ended. */
  ended(key: TestKey, result: Omit<TestResult, 'kind' | 'id'>): void;
  /** The tests of a file can't be found or run because of an error in it. */
  broken(file: string, failure: TestFailure): void;
}

/** More tests than this aren't told apart. */
const MAX_TESTS = 1_000_000;

/** Of several results of one test, the worst counts. */
const RANKS: Readonly<Record<TestOutcome, number>> = { skipped: 0, xfailed: 1, passed: 1, error: 2, failed: 2 };

/** Follows a run of tests, so that each test that started gets a result, however the run ends. */
export class TestResults {
  readonly #listener: ResultListener;
  /** The tests' keys, by the ID that the runner calls them. */
  readonly #keys: Map<string, TestKey>;
  /** How often a test of an ID has started and not ended. */
  readonly #running = new Map<string, number>();
  /** The tests and broken files that have a result, by their keys' texts. */
  readonly #seen = new Set<string>();
  /** The outcomes of tests, by their keys' texts. */
  readonly #outcomes = new Map<string, TestOutcome>();
  /** Why tests of a file have no result. */
  readonly #reasons = new Map<string, string>();
  /** True once the runner has said that it's done. */
  hasFinished = false;
  /** True once a test has started. */
  hasStarted = false;

  /** `known` are the keys of tests found earlier, by ID, to which this run's are added. */
  constructor(listener: ResultListener, known: Map<string, TestKey> = new Map()) {
    this.#listener = listener;
    this.#keys = known;
  }

  /** Takes an event. Those of tests that no one has found are ignored. */
  take(event: TestEvent): void {
    switch (event.kind) {
      case 'tests': {
        const tests = foundTests(event);
        for (const { id, key } of tests) if (this.#keys.size < MAX_TESTS || this.#keys.has(id)) this.#keys.set(id, key);
        this.#listener.found(tests);
        return;
      }
      case 'start':
        this.#start(event.id);
        return;
      case 'result': {
        if (!this.#running.has(event.id)) this.#start(event.id);
        const others = (this.#running.get(event.id) ?? 1) - 1;
        if (others > 0) this.#running.set(event.id, others);
        else this.#running.delete(event.id);
        const key = this.#keys.get(event.id);
        if (key) this.#end(key, event);
        return;
      }
      case 'broken':
        this.#break(event);
        return;
      case 'finish':
        this.hasFinished = true;
    }
  }

  #start(id: string): void {
    this.hasStarted = true;
    this.#running.set(id, (this.#running.get(id) ?? 0) + 1);
    // The worker processes of pytest-xdist may say what a test is only with its result.
    const key = this.#keys.get(id);
    if (!key || this.#seen.has(keyText(key))) return;
    this.#seen.add(keyText(key));
    this.#listener.started(key);
  }

  #end(key: TestKey, result: Omit<TestResult, 'kind' | 'id'>): void {
    const text = keyText(key);
    const known = this.#outcomes.get(text);
    if (known !== undefined && RANKS[known] > RANKS[result.outcome]) return;
    this.#outcomes.set(text, result.outcome);
    this.#listener.ended(key, result);
  }

  #break({ file, failure, exit }: Extract<TestEvent, { kind: 'broken' }>): void {
    this.hasStarted = true;
    this.#seen.add(keyText([file]));
    const reason = exit ? endOfProcess(exit) : strings.brokenFile();
    this.#reasons.set(file, reason);
    const message = exit ? `${reason}\n${failure.message}`.trim() : failure.message;
    this.#listener.broken(file, { ...failure, message });
    this.#endRunning(reason, ([own]) => own === file);
  }

  /** Returns true if a test has started, or its file is broken. */
  has(key: TestKey): boolean {
    return this.#seen.has(keyText(key));
  }

  /** Returns why the tests of a test's file have no result; undefined if the reason is that of the whole run. */
  reasonOf([file]: TestKey): string | undefined {
    return this.#reasons.get(file);
  }

  /** Ends the run: a test that has started and not ended has an error. */
  end(unfinished: string): void {
    this.#endRunning(unfinished, () => true);
  }

  #endRunning(message: string, isOne: (key: TestKey) => boolean): void {
    for (const id of [...this.#running.keys()]) {
      const key = this.#keys.get(id);
      if (!key || !isOne(key)) continue;
      this.#running.delete(id);
      this.#end(key, { outcome: 'error', failures: [{ message, frames: [] }], output: '' });
    }
  }
}

/** Returns the sentence that says how the process of a file's tests has ended. */
function endOfProcess({
  code,
  signal,
}: {
  code?: number | null | undefined;
  signal?: string | null | undefined;
}): string {
  return signal ? strings.fileEndedBySignal(signal) : strings.fileEnded(code ?? 1);
}
