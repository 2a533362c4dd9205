import { z } from 'zod';
import type { TestKey } from './test-key.ts';

// What a test runner in a sandbox says, as our plugin or reporter for it writes it. The code under test can write anything, too.

/** A longer line isn't read. The plugins' own are far shorter. */
const MAX_LINE_CHARS = 4 * 1024 * 1024;
const MAX_TEXT_CHARS = 100_000;
const MAX_LINES = 500_000;
const MAX_TESTS_PER_EVENT = 10_000;

const text = z.string().max(MAX_TEXT_CHARS);
const name = z.string().max(10_000);
const line = z.number().int().min(0).max(100_000_000);
const milliseconds = z.number().min(0).max(1e12);

const KeySchema = z.tuple([name], name).refine((key) => key.length <= 50);

/** A place in a program: its path in the sandbox, its line from 1, and the name of the function. */
const FrameSchema = z.tuple([name, line, name]);
export type TestFrame = z.infer<typeof FrameSchema>;

const FailureSchema = z.object({
  message: text,
  frames: z.array(FrameSchema).max(200).default([]),
  expected: text.optional(),
  actual: text.optional(),
  phase: z.enum(['setup', 'teardown']).optional(),
});
export type TestFailure = z.infer<typeof FailureSchema>;

/** A test: the ID that results refer to, its key, its line from 0, and whether it only runs as a part of the test above it. */
const FoundTestSchema = z.tuple([name, KeySchema, line.nullable(), z.boolean().optional()]);

const OutcomeSchema = z.enum(['passed', 'failed', 'error', 'skipped', 'xfailed']);
export type TestOutcome = z.infer<typeof OutcomeSchema>;

const ResultSchema = z.object({
  kind: z.literal('result'),
  id: name,
  outcome: OutcomeSchema,
  ms: milliseconds.optional(),
  failures: z.array(FailureSchema).max(20).default([]),
  reason: text.optional(),
  output: text.default(''),
});
export type TestResult = z.infer<typeof ResultSchema>;

const lines = z.array(line).max(MAX_LINES);

/** What a run has executed of a file, by lines from 1. A branch leads from a line to another, or out of the function (negative). */
const CoverageSchema = z.object({
  kind: z.literal('coverage'),
  file: name,
  executed: lines,
  missing: lines,
  branches: z.array(z.tuple([line, z.number().int(), z.boolean()])).max(MAX_LINES),
  functions: z.array(z.tuple([name, line, z.boolean()])).max(MAX_LINES),
});
export type TestedFile = z.infer<typeof CoverageSchema>;

const TestEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('session'), root: name, ini: name.nullish(), version: name }),
  z.object({ kind: z.literal('tests'), tests: z.array(FoundTestSchema).max(MAX_TESTS_PER_EVENT) }),
  z.object({ kind: z.literal('collected'), file: name.optional() }),
  z.object({
    kind: z.literal('broken'),
    file: name,
    failure: FailureSchema,
    /** How the process of the file's tests has ended, if that is why. */
    exit: z.object({ code: z.number().int().nullish(), signal: name.nullish() }).optional(),
  }),
  z.object({ kind: z.literal('start'), id: name }),
  ResultSchema,
  z.object({ kind: z.literal('missing'), name: z.enum(['pytest', 'coverage']), python: name }),
  z.object({ kind: z.literal('unsuitable'), needs: name, found: name }),
  CoverageSchema,
  z.object({ kind: z.literal('finish'), code: z.number().int() }),
]);
export type TestEvent = z.infer<typeof TestEventSchema>;

/** A test that was found. */
export interface FoundTest {
  readonly id: string;
  readonly key: TestKey;
  /** From 0. */
  readonly line: number | undefined;
  /** It can't be run without the test above it. */
  readonly isPart: boolean;
}

/** Returns the tests of an event. */
export function foundTests({ tests }: Extract<TestEvent, { kind: 'tests' }>): FoundTest[] {
  return tests.map(([id, key, at, isPart = false]) => ({ id, key, line: at ?? undefined, isPart }));
}

/** The character before each event (https://www.rfc-editor.org/rfc/rfc7464). What stands outside of them is a program's own text. */
const MARK = '\u001e';

/** Receives what a run of tests prints. */
export interface EventSink {
  event(event: TestEvent): void;
  /** The program's own text. */
  text(text: string): void;
}

/** Reads events from a stream that may contain other text. What isn't an event of ours is text, or dropped if it's marked as one. */
export class EventReader {
  readonly #decoder = new TextDecoder();
  readonly #sink: EventSink;
  /** The parts of an event whose end hasn't arrived. */
  #parts: string[] = [];
  #chars = 0;
  #isInEvent = false;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  feed(bytes: Uint8Array): void {
    this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  #take(chunk: string): void {
    for (let at = 0; at < chunk.length; ) {
      const end = chunk.indexOf(this.#isInEvent ? '\n' : MARK, at);
      const part = chunk.slice(at, end < 0 ? undefined : end);
      if (this.#isInEvent) this.#add(part);
      else if (part !== '') this.#sink.text(part);
      if (end < 0) return;
      if (this.#isInEvent) this.#end();
      this.#isInEvent = !this.#isInEvent;
      at = end + 1;
    }
  }

  #add(part: string): void {
    this.#chars += part.length;
    if (this.#chars <= MAX_LINE_CHARS) this.#parts.push(part);
    else this.#parts = [];
  }

  #end(): void {
    const event = parseEvent(this.#parts.join(''));
    this.#parts = [];
    this.#chars = 0;
    if (event) this.#sink.event(event);
  }
}

function parseEvent(json: string): TestEvent | undefined {
  try {
    return TestEventSchema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

/** Returns a reader for programs whose own text is on stdout, and whose events are on stderr. */
export function eventsOnStderr(sink: EventSink): { stdout(bytes: Uint8Array): void; stderr(bytes: Uint8Array): void } {
  const decoder = new TextDecoder();
  const events = new EventReader(sink);
  return {
    stdout: (bytes) => sink.text(decoder.decode(bytes, { stream: true })),
    stderr: (bytes) => events.feed(bytes),
  };
}
