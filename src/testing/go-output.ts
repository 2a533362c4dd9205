import { posix } from 'node:path';
import { z } from 'zod';
import { REMOTE_ROOT } from '../sync/options.ts';
import type { EventSink, TestFailure, TestFrame } from './events.ts';
import type { TestOutputReader } from './framework.ts';
import { strings } from './strings.ts';
import { keyText, type TestKey } from './test-key.ts';

/** A longer line is cut. Those of `go test` are far shorter. */
const MAX_LINE_CHARS = 1024 * 1024;
/** Of a test's output, the end is kept. */
const MAX_OUTPUT_CHARS = 32_768;
const MAX_FAILURES = 20;
const MAX_FRAMES = 50;

/** A line of `go test -json`: https://pkg.go.dev/cmd/test2json */
const GoEventSchema = z.object({
  Action: z.string(),
  Package: z.string().optional(),
  Test: z.string().max(10_000).optional(),
  Output: z.string().optional(),
  Elapsed: z.number().min(0).optional(),
});

/** A test function, where it's defined. */
interface GoFunction {
  readonly file: string;
  /** From 0. */
  readonly line: number;
}

interface GoTest {
  readonly key: TestKey;
  readonly line: number;
  output: string;
  isRunning: boolean;
}

interface GoPackage {
  readonly folder: string;
  readonly functions: Map<string, GoFunction>;
  readonly tests: Map<string, GoTest>;
  output: string;
}

interface BuildError {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

const DEFINITION = /^(?<path>.+?_test\.go):(?<line>\d+):func (?<name>[\p{L}\p{N}_]+)\((?<parameter>[^)]*)\)/u;
const BUILD_ERROR = /^(?<path>[^\s:][^:\n]*\.go):(?<line>\d+)(?::\d+)?: (?<message>.+)$/;
const BUILD_FAILED = /^FAIL\t(?<path>\S+) \[(?:build|setup) failed\]/;
const LOG = /^(?<indent> +)(?<path>[^\s:][^:\n]*\.go):(?<line>\d+): ?(?<message>.*)$/;
const COVERED = /^(?<package>.+)\/(?<file>[^/]+\.go):(?<from>\d+)\.\d+,(?<to>\d+)\.\d+ \d+ (?<count>\d+)$/;

/** Reads what the program for tests of Go prints, in which all is on stderr. */
export function goReader(sink: EventSink): TestOutputReader {
  const output = new GoOutput(sink);
  const decoder = new TextDecoder();
  let pending = '';
  return {
    stdout() {},
    stderr(bytes) {
      const lines = (pending + decoder.decode(bytes, { stream: true })).split('\n');
      pending = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS);
      for (const line of lines) output.take(line);
    },
  };
}

/** Makes events from the lines of a run. */
class GoOutput {
  readonly #sink: EventSink;
  readonly #packages = new Map<string, GoPackage>();
  readonly #errors: BuildError[] = [];
  readonly #covered = new Map<string, Map<number, boolean>>();
  #cwd = REMOTE_ROOT;
  #hasRun = false;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  take(line: string): void {
    if (line.startsWith('\u001e')) {
      const [kind = '', ...rest] = line.slice(1).split('\t');
      this.#takeOwn(kind, rest);
      return;
    }
    const event = line.startsWith('{') ? parse(line) : undefined;
    if (!event) {
      this.#print(`${line}\n`);
      return;
    }
    const { Action: action, Package: path, Test: name, Output: text, Elapsed: seconds } = event;
    const own = path === undefined ? undefined : this.#package(path);
    if (text !== undefined) {
      this.#print(text);
      const place = (name === undefined ? own : own?.tests.get(name)) ?? own;
      if (place) place.output = (place.output + text).slice(-MAX_OUTPUT_CHARS);
    } else if (own && action === 'run' && name !== undefined) this.#start(own, path ?? '', name);
    else if (own && /^(?:pass|fail|skip)$/.test(action)) {
      this.#hasRun = true;
      if (name === undefined) this.#endPackage(own, path ?? '');
      else this.#end(own, path ?? '', name, action, seconds);
    }
  }

  #takeOwn(kind: string, rest: readonly string[]): void {
    const [first = ''] = rest;
    if (kind === 'cwd') this.#cwd = first;
    else if (kind === 'package') this.#packages.set(first, newPackage(rest[1] ?? ''));
    else if (kind === 'func') this.#define(rest.join('\t'));
    else if (kind === 'cover') this.#cover(first);
    else if (kind === 'finish') this.#finish(Number(first));
  }

  #package(path: string): GoPackage {
    const own = this.#packages.get(path) ?? newPackage(this.#cwd);
    this.#packages.set(path, own);
    return own;
  }

  #define(text: string): void {
    const { path = '', line = '1', name = '', parameter = '' } = DEFINITION.exec(text)?.groups ?? {};
    const entry = [...this.#packages].find(([, { folder }]) => folder === posix.dirname(path));
    if (!entry) return;
    const [packagePath, own] = entry;
    const place = { file: inRoot(path), line: Number(line) - 1 };
    own.functions.set(name, place);
    // Which examples are run, only their text tells.
    const isTest = /\*testing\.[TF]$/.test(parameter.trim()) && !/^(?:Test|Fuzz)\p{Ll}/u.test(name);
    if (isTest) this.#sink.event({ kind: 'tests', tests: [[idOf(packagePath, name), [place.file, name], place.line]] });
  }

  #start(own: GoPackage, path: string, name: string): void {
    const place = placeOf(own, name);
    if (!place) return;
    const { key, line } = place;
    own.tests.set(name, { key, line, output: '', isRunning: true });
    this.#sink.event({ kind: 'tests', tests: [[idOf(path, name), [...key], line]] });
    this.#sink.event({ kind: 'start', id: idOf(path, name) });
  }

  #end(own: GoPackage, path: string, name: string, action: string, seconds: number | undefined): void {
    const test = own.tests.get(name);
    if (!test) return;
    test.isRunning = false;
    const logs = logsOf(test.output, own.folder);
    this.#sink.event({
      kind: 'result',
      id: idOf(path, name),
      outcome: action === 'pass' ? 'passed' : action === 'skip' ? 'skipped' : 'failed',
      ms: seconds === undefined ? undefined : seconds * 1000,
      failures: action === 'fail' ? failuresOf(test.output, logs) : [],
      reason: action === 'skip' ? logs.map(({ message }) => message).join('\n') : undefined,
      output: '',
    });
  }

  /** A test that its package's process hasn't ended has an error. */
  #endPackage(own: GoPackage, path: string): void {
    for (const [name, test] of own.tests) {
      if (!test.isRunning) continue;
      test.isRunning = false;
      const output = `${test.output}${own.output}`;
      // Of an exit code, nothing is said.
      const [signal = ''] = /^signal: \w+/m.exec(output) ?? [];
      const message = `${strings.processEnded()}\n${signal}`.trim();
      const panic = panicOf(output);
      const failures = panic ? [panic] : [{ message, frames: [] }];
      this.#sink.event({ kind: 'result', id: idOf(path, name), outcome: 'error', failures, output: '' });
    }
    own.output = '';
  }

  /** Shows text of `go`, and notes errors of a build. */
  #print(text: string): void {
    this.#sink.text(text);
    const line = text.trimEnd();
    const { path = '', line: at, message = '' } = BUILD_ERROR.exec(line)?.groups ?? {};
    if (at !== undefined && this.#errors.length < MAX_FAILURES)
      this.#errors.push({ path: posix.resolve(this.#cwd, path), line: Number(at), message });
    const failed = BUILD_FAILED.exec(line)?.groups?.path;
    if (failed !== undefined) this.#breakPackage(failed);
  }

  #breakPackage(path: string): void {
    this.#hasRun = true;
    const { folder, functions } = this.#package(path);
    const own = this.#errors.filter((each) => posix.dirname(each.path) === folder);
    // A package that it imports may be the broken one.
    const errors = own.length > 0 ? own : this.#errors;
    for (const file of new Set([...functions.values()].map((each) => each.file))) {
      const inFile = errors.filter((each) => inRoot(each.path) === file);
      const shown = inFile.length > 0 ? inFile : errors;
      const frames = shown.map(({ path: at, line }): TestFrame => [at, line, '']);
      const message = shown.map((each) => `${inRoot(each.path)}:${each.line}: ${each.message}`).join('\n');
      this.#sink.event({ kind: 'broken', file, failure: { message, frames: frames.slice(0, 1) } });
    }
  }

  #cover(line: string): void {
    const { package: path = '', file = '', from, to, count } = COVERED.exec(line)?.groups ?? {};
    const folder = this.#packages.get(path)?.folder;
    if (folder === undefined) return;
    const name = inRoot(posix.join(folder, file));
    const lines = this.#covered.get(name) ?? new Map<number, boolean>();
    this.#covered.set(name, lines);
    for (let at = Number(from); at <= Math.min(Number(to), Number(from) + 100_000); at += 1)
      lines.set(at, lines.get(at) === true || Number(count) > 0);
  }

  #finish(code: number): void {
    for (const [file, lines] of this.#covered) {
      const which = (isExecuted: boolean) => [...lines].filter(([, each]) => each === isExecuted).map(([at]) => at);
      const empty = { branches: [], functions: [] };
      this.#sink.event({ kind: 'coverage', file, executed: which(true), missing: which(false), ...empty });
    }
    // Otherwise, `go` itself has failed.
    if (this.#hasRun || code === 0) this.#sink.event({ kind: 'finish', code });
  }
}

function newPackage(folder: string): GoPackage {
  return { folder, functions: new Map(), tests: new Map(), output: '' };
}

function parse(line: string): z.infer<typeof GoEventSchema> | undefined {
  try {
    return GoEventSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Returns the key of a test. A part's name may have slashes, too, so it's what follows the name of a test that has started. */
function placeOf(own: GoPackage, name: string): { key: TestKey; line: number } | undefined {
  for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
    const above = own.tests.get(name.slice(0, at));
    if (above) return { key: [...above.key, name.slice(at + 1)], line: above.line };
  }
  // Functions that are generated may be anywhere in the package.
  const place = own.functions.get(name) ?? own.functions.values().next().value;
  return place && { key: [place.file, name], line: place.line };
}

function idOf(path: string, name: string): string {
  return keyText([path, name]);
}

function inRoot(path: string): string {
  return path.startsWith(`${REMOTE_ROOT}/`) ? path.slice(REMOTE_ROOT.length + 1) : path;
}

/** What a test has logged, with the place. */
interface GoLog {
  readonly frame: TestFrame;
  readonly message: string;
}

function logsOf(output: string, folder: string): GoLog[] {
  const logs: { frame: TestFrame; message: string; indent: number }[] = [];
  for (const text of output.split('\n')) {
    if (/^\s*(?:===|---) /.test(text)) continue;
    const { indent = '', path = '', line, message = '' } = LOG.exec(text)?.groups ?? {};
    const last = logs.at(-1);
    if (line !== undefined)
      logs.push({ frame: [posix.resolve(folder, path), Number(line), ''], message, indent: indent.length });
    else if (last && text.startsWith(' '.repeat(last.indent + 4))) last.message += `\n${text.slice(last.indent + 4)}`;
  }
  return logs;
}

/** Returns the failures of a test: its panic, the difference of an example, or else all that it has logged. */
function failuresOf(output: string, logs: readonly GoLog[]): TestFailure[] {
  const panic = panicOf(output);
  const [, actual, expected] = /^got:\n([\s\S]*?)\nwant:\n([\s\S]*?)\n*$/m.exec(output) ?? [];
  if (panic) return [panic];
  if (actual !== undefined && expected !== undefined)
    return [{ message: `got:\n${actual}\nwant:\n${expected}`, frames: [], actual, expected }];
  return logs.slice(-MAX_FAILURES).map(({ message, frame }) => ({ message, frames: [frame] }));
}

function panicOf(output: string): TestFailure | undefined {
  const [text, message] = /^(?:panic|fatal error): (.*)$[\s\S]*/m.exec(output) ?? [];
  if (text === undefined || message === undefined) return undefined;
  const calls = [...text.matchAll(/^(?<name>\S.*)\(.*\)\n\t(?<path>\/.+\.go):(?<line>\d+)/gm)];
  const frames = calls.map(
    ({ groups: { name = '', path = '', line = '1' } = {} }): TestFrame => [path, Number(line), name],
  );
  return { message: `panic: ${message}`, frames: frames.slice(0, MAX_FRAMES).reverse() };
}
