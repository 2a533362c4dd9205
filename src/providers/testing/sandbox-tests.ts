import * as vscode from 'vscode';
import { DeclinedError, UserError } from '../../base/errors.ts';
import type { TestFramework } from '../../testing/framework.ts';
import { TEST_FRAMEWORKS } from '../../testing/frameworks.ts';
import { pythonTests } from '../../testing/pytest.ts';
import { TestDurations } from '../../testing/shards.ts';
import { diskFolderOf, diskFolders } from '../common/folders.ts';
import { showError } from '../common/report.ts';
import { debugTests } from './debugged-tests.ts';
import { FoundTests } from './found-tests.ts';
import { runInSeveralSandboxes } from './sharded-tests.ts';
import { strings } from './strings.ts';
import { TestCoverage } from './test-coverage.ts';
import { TestFiles } from './test-files.ts';
import { TestRunView } from './test-run-view.ts';
import { startProblem, TestRunner, type TestRunnerDependencies } from './test-runner.ts';
import { type FolderTests, isBelow, selectedTests } from './test-selection.ts';
import { TestTree } from './test-tree.ts';

/** Of the output of a search for tests, the end is kept. */
const MAX_OUTPUT_CHARS = 10_000;
/** Files that are saved together are tested together. */
const SAVING_PAUSE_MS = 300;

/** A way to run tests. */
type Kind = 'run' | 'debug' | 'coverage' | 'shards';

/** The controller “Sandbox Tests” of the Test Explorer. */
export class SandboxTests implements vscode.Disposable {
  readonly #controller = vscode.tests.createTestController('modal', strings.controller());
  readonly tree = new TestTree(this.#controller);
  readonly files: TestFiles;
  readonly #dependencies: TestRunnerDependencies;
  readonly #runner: TestRunner;
  readonly #coverage = new TestCoverage();
  readonly #durations = new TestDurations();

  constructor(dependencies: TestRunnerDependencies) {
    this.#dependencies = dependencies;
    this.files = new TestFiles(this.tree, dependencies.services.syncs);
    this.#runner = new TestRunner(dependencies);
    this.#controller.resolveHandler = (item) => (item?.uri ? this.files.read(item.uri) : this.files.search());
    this.#controller.refreshHandler = (token) => this.#refresh(token);
    const { Run, Debug, Coverage } = vscode.TestRunProfileKind;
    this.#addProfile(strings.run(), Run, 'run').supportsContinuousRun = true;
    this.#addProfile(strings.debug(), Debug, 'debug');
    this.#addProfile(strings.coverage(), Coverage, 'coverage').loadDetailedCoverage = async (_, coverage) =>
      this.#coverage.detailsOf(coverage);
    this.#addProfile(strings.shards(), Run, 'shards');
  }

  dispose(): void {
    this.files.dispose();
    this.#controller.dispose();
  }

  #addProfile(label: string, kind: vscode.TestRunProfileKind, own: Kind): vscode.TestRunProfile {
    const run = (request: vscode.TestRunRequest, token: vscode.CancellationToken) =>
      request.continuous ? this.#runOnSave(request, own, token) : this.run(request, own, token);
    return this.#controller.createRunProfile(label, kind, run, own !== 'shards');
  }

  /** Runs the tests of a request. Errors are shown. */
  async run(request: vscode.TestRunRequest, kind: Kind = 'run', token?: vscode.CancellationToken): Promise<void> {
    const run = this.#controller.createTestRun(request);
    const cancel = new AbortController();
    const listening = [token, run.token].map((each) => each?.onCancellationRequested(() => cancel.abort()));
    try {
      await this.files.search();
      await this.#runner.requireReady();
      for (const part of selectedTests(this.tree, request)) {
        try {
          await this.#runPart(run, part, kind, cancel.signal);
        } catch (error) {
          // Tests of other frameworks and folders may still run.
          if (!cancel.signal.aborted) showUnlessDeclined(error);
        }
      }
    } catch (error) {
      showUnlessDeclined(error);
    } finally {
      for (const each of listening) each?.dispose();
      run.end();
    }
  }

  async #runPart(run: vscode.TestRun, part: FolderTests, kind: Kind, signal: AbortSignal): Promise<void> {
    const { folder, framework, items, select } = part;
    const view = new TestRunView(run, this.tree, folder, this.#durations);
    const { services } = this.#dependencies;
    const runner = this.#runner;
    for (const item of this.tree.leaves(items)) run.enqueued(item);
    if (kind === 'debug') return debugTests(run, view, part, { runner, services, signal });
    if (kind === 'shards')
      return runInSeveralSandboxes(view, part, {
        tree: this.tree,
        runner,
        services,
        durations: this.#durations,
        signal,
      });
    const end = await runner.run(folder, framework, view, {
      select,
      signal,
      hasCoverage: kind === 'coverage',
      onOutput: (text) => view.output(text),
      onStatus: (line) => view.status(line),
      onCoverage: (file) => this.#coverage.add(run, folder, file),
    });
    view.notRun(items, [end.results], end.reason);
    const problem = startProblem(end, signal);
    if (problem) throw problem;
  }

  /** Runs tests whenever a file is saved: those of a file with tests, or else all of the request. */
  async #runOnSave(request: vscode.TestRunRequest, kind: Kind, token: vscode.CancellationToken): Promise<void> {
    const saved = new Set<vscode.Uri>();
    let running: Promise<void> = Promise.resolve();
    let pause: NodeJS.Timeout | undefined;
    const test = async () => {
      const uris = [...saved];
      saved.clear();
      if (uris.length === 0 || token.isCancellationRequested) return;
      const include = await this.#affected(request, uris);
      if (include?.length === 0) return;
      await this.run(new vscode.TestRunRequest(include, request.exclude, request.profile, true), kind, token);
    };
    const listening = vscode.workspace.onDidSaveTextDocument(({ uri }) => {
      if (!diskFolderOf(uri)) return;
      saved.add(uri);
      clearTimeout(pause);
      pause = setTimeout(() => (running = running.then(test)), SAVING_PAUSE_MS);
    });
    token.onCancellationRequested(() => {
      clearTimeout(pause);
      listening.dispose();
    });
  }

  /** Returns the tests of a request that saved files may affect; undefined for all tests. */
  async #affected(
    { include }: vscode.TestRunRequest,
    uris: readonly vscode.Uri[],
  ): Promise<readonly vscode.TestItem[] | undefined> {
    const items = await Promise.all(uris.map((uri) => this.files.itemAt(uri)));
    const files = items.filter((item) => item !== undefined);
    // Any test may use the other files.
    if (files.length < items.length) return include;
    return files.flatMap((file) => {
      if (!include || include.some((each) => isBelow(file, each))) return [file];
      return include.filter((each) => isBelow(each, file));
    });
  }

  /** Asks the test runners in the sandboxes for all tests. Errors are shown. */
  async #refresh(token: vscode.CancellationToken): Promise<void> {
    const cancel = new AbortController();
    token.onCancellationRequested(() => cancel.abort());
    try {
      await this.files.search(true);
      await this.#runner.requireReady();
      for (const [folder, framework] of this.#searchable()) {
        let output = '';
        const end = await this.#runner.run(folder, framework, new FoundTests(this.tree, folder), {
          signal: cancel.signal,
          isDiscovery: true,
          onOutput: (text) => (output = (output + text).slice(-MAX_OUTPUT_CHARS)),
          onStatus: () => {},
        });
        if (end.isComplete || cancel.signal.aborted) continue;
        const lastLine = output.trim().split('\n').at(-1) ?? '';
        throw new UserError(strings.discoveryFailed(folder.name, `${lastLine} ${end.reason}`.trim()));
      }
    } catch (error) {
      showUnlessDeclined(error);
    }
  }

  /** Yields the folders with the frameworks that can list their tests. pytest may know tests of other names. */
  *#searchable(): Generator<[vscode.WorkspaceFolder, TestFramework]> {
    for (const folder of diskFolders()) {
      const files = this.tree.filesOf(folder).flatMap((item) => this.tree.keysOf(item));
      const used = TEST_FRAMEWORKS.filter((each) => files.some(([file]) => each.owns(file)));
      for (const each of used.length > 0 ? used : [pythonTests]) if (each.listsTests) yield [folder, each];
    }
  }
}

function showUnlessDeclined(error: unknown): void {
  if (!(error instanceof DeclinedError)) showError(error);
}
