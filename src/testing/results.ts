import { type FoundTest, foundTests, type TestEvent, type TestFailure, type TestResult } from './events.ts';
import { keyText, type TestKey } from './test-key.ts';

/** Where the results of a test run are shown. */
export interface ResultListener {
  /** Tests were found, some of which may be known. */
  found(tests: readonly FoundTest[]): void;
  started(key: TestKey): void;
  /** A test has ended. */
  ended(key: TestKey, result: Omit<TestResult, 'kind' | 'id'>): void;
  /** A part of a test has ended. */
  subtest(key: TestKey, event: Extract<TestEvent, { kind: 'subtest' }>): void;
  /** The tests of a file can't be found because of an error in it. */
  broken(file: string, failure: TestFailure): void;
}

/** How a run of tests has ended. */
export interface TestsEnd {
  /** The sentence that says why tests have no result. */
  readonly unfinished: string;
  /** The sentence that says why tests weren't started. */
  readonly neverStarted: string;
}

/** More tests than this aren't told apart. */
const MAX_TESTS = 1_000_000;

/** Follows a run of tests, so that each test that started gets a result, however the run ends. */
export class TestResults {
  readonly #listener: ResultListener;
  /** The tests' keys, by the ID that the runner calls them. */
  readonly #keys: Map<string, TestKey>;
  readonly #running = new Set<string>();
  /** The tests and broken files that have a result, by their keys' texts. */
  readonly #seen = new Set<string>();
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
        this.#start(event.id);
        this.#running.delete(event.id);
        const key = this.#keys.get(event.id);
        if (key) this.#listener.ended(key, event);
        return;
      }
      case 'subtest': {
        const key = this.#keys.get(event.id);
        if (key) this.#listener.subtest(key, event);
        return;
      }
      case 'broken':
        this.#seen.add(keyText([event.file]));
        this.#listener.broken(event.file, event.failure);
        return;
      case 'finish':
        this.hasFinished = true;
    }
  }

  #start(id: string): void {
    this.hasStarted = true;
    const key = this.#keys.get(id);
    // The worker processes of pytest-xdist may say what a test is only with its result.
    if (!this.#running.has(id)) this.#running.add(id);
    if (!key || this.#seen.has(keyText(key))) return;
    this.#seen.add(keyText(key));
    this.#listener.started(key);
  }

  /** Returns true if a test has started, or its file is broken. */
  has(key: TestKey): boolean {
    return this.#seen.has(keyText(key));
  }

  /** Ends the run: a test that has started and not ended has an error. */
  end(unfinished: string): void {
    for (const id of this.#running) {
      const key = this.#keys.get(id);
      const failures = [{ message: unfinished, frames: [] }];
      if (key) this.#listener.ended(key, { outcome: 'error', failures, output: '' });
    }
    this.#running.clear();
  }
}
