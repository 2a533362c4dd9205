import { join, posix } from 'node:path';
import * as vscode from 'vscode';
import { cleanLine, cleanText } from '../../base/text.ts';
import { findLocalFile } from '../../run/local-files.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import type { TestFailure, TestFrame, TestResult } from '../../testing/events.ts';
import type { TestResults } from '../../testing/results.ts';
import type { TestDurations } from '../../testing/shards.ts';
import type { TestKey } from '../../testing/test-key.ts';
import { dim } from '../common/ansi.ts';
import { localFolders, syncedFolder } from '../common/folders.ts';
import { FoundTests } from './found-tests.ts';
import { strings } from './strings.ts';
import type { TestTree } from './test-tree.ts';

/** The maximum length of a message about a failure. */
const MAX_MESSAGE_CHARS = 40_000;
/** Each test that isn't run has a line with the reason only if they are few. */
const MAX_REASONS = 100;

/** What is known about tests without a result. */
type NoResult = Pick<TestResults, 'has' | 'reasonOf'>;

/** Shows the results of a folder's tests in a test run of VS Code. */
export class TestRunView extends FoundTests {
  readonly #run: vscode.TestRun;
  readonly #durations: TestDurations;
  readonly #skipped = new Set<vscode.TestItem>();
  #atLineStart = true;

  constructor(run: vscode.TestRun, tree: TestTree, folder: vscode.WorkspaceFolder, durations: TestDurations) {
    super(tree, folder);
    this.#run = run;
    this.#durations = durations;
  }

  /** Shows a program's output. */
  output(text: string, item?: vscode.TestItem): void {
    if (text === '') return;
    this.#run.appendOutput(text.replaceAll(/(?<!\r)\n/g, '\r\n'), undefined, item);
    this.#atLineStart = text.endsWith('\n');
  }

  /** Shows a line of our own. */
  status(line: string, item?: vscode.TestItem): void {
    this.output(`${this.#atLineStart ? '' : '\n'}${dim(`● ${cleanLine(line)}`)}\n`, item);
  }

  override started(key: TestKey): void {
    this.#run.started(this.item(key));
  }

  override ended(key: TestKey, { outcome, failures, ms, reason, output }: Omit<TestResult, 'kind' | 'id'>): void {
    const item = this.item(key);
    if (ms !== undefined) this.#durations.note(key, ms);
    if (output) this.output(`${this.#atLineStart ? '' : '\n'}${output}`, item);
    if (outcome === 'skipped') this.status(strings.skipped(reason?.replace(/^Skipped: /, '') ?? ''), item);
    if (outcome === 'xfailed') this.status(strings.expectedFailure(), item);
    const messages = failures.map((failure) => this.#message(failure, item));
    if (outcome === 'passed' || outcome === 'xfailed') this.#run.passed(item, ms);
    else if (outcome === 'failed') this.#run.failed(item, messages, ms);
    else if (outcome === 'error') this.#run.errored(item, messages, ms);
    else this.#skip(item);
    this.tree.removeParts(item, (each) => this.isFound(each));
  }

  /** A group that is skipped skips what is in it. */
  #skip(item: vscode.TestItem): void {
    for (const each of this.tree.leaves([item])) {
      this.#run.skipped(each);
      this.#skipped.add(each);
    }
  }

  override broken(file: string, failure: TestFailure): void {
    super.broken(file, failure);
    const item = this.item([file]);
    this.#run.errored(item, this.#message(failure, item));
  }

  /** Marks the tests that runs should have run, and that have no result. */
  notRun(items: Iterable<vscode.TestItem>, results: readonly NoResult[], reason: string): void {
    const reasons = new Map<string, vscode.TestItem[]>();
    for (const item of this.tree.leaves(items)) {
      const { folder, key } = this.tree.nodeOf(item) ?? {};
      if (folder !== this.folder || !key || this.#skipped.has(item) || results.some((each) => each.has(key))) continue;
      this.#run.skipped(item);
      const own = results.map((each) => each.reasonOf(key)).find((each) => each !== undefined) ?? reason;
      const same = reasons.get(own);
      if (same) same.push(item);
      else reasons.set(own, [item]);
    }
    for (const [why, left] of reasons) {
      this.status(strings.notRun(left.length, why));
      for (const item of left.slice(0, MAX_REASONS)) this.#run.appendOutput(`${cleanLine(why)}\r\n`, undefined, item);
    }
  }

  #message({ message, frames, expected, actual, phase }: TestFailure, item: vscode.TestItem): vscode.TestMessage {
    const where = phase === 'setup' ? strings.inSetup : phase === 'teardown' ? strings.inTeardown : undefined;
    const text = cleanText(where ? where(message) : message, MAX_MESSAGE_CHARS);
    const shown =
      expected !== undefined && actual !== undefined
        ? vscode.TestMessage.diff(text, cleanText(expected, MAX_MESSAGE_CHARS), cleanText(actual, MAX_MESSAGE_CHARS))
        : new vscode.TestMessage(text);
    const places = frames.map((frame) => this.#place(frame));
    const location = places.findLast((place) => place.location)?.location;
    if (location) shown.location = location;
    else if (item.uri && item.range) shown.location = new vscode.Location(item.uri, item.range);
    // The innermost comes first.
    shown.stackTrace = places
      .map(({ label, location: at }) => new vscode.TestMessageStackFrame(label, at?.uri, at?.range.start))
      .reverse();
    return shown;
  }

  #place([path, line, name]: TestFrame): { label: string; location: vscode.Location | undefined } {
    const inRoot = posix.relative(REMOTE_ROOT, path);
    const own = localFolders().filter(({ synced }) => synced === syncedFolder(this.folder).path);
    const isInside = posix.isAbsolute(path) && inRoot !== '' && inRoot.split('/')[0] !== '..';
    const file = isInside ? findLocalFile(own, join(...inRoot.split('/'))) : undefined;
    const position = new vscode.Position(Math.max(0, line - 1), 0);
    return {
      label: cleanLine(file === undefined ? `${name} (${path}:${line})` : name || posix.basename(path)),
      location: file === undefined ? undefined : new vscode.Location(vscode.Uri.file(file), position),
    };
  }
}
