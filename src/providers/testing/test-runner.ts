import type * as vscode from 'vscode';
import { DeclinedError, UserError } from '../../base/errors.ts';
import type { RunRequest } from '../../run/request.ts';
import type { RunServices } from '../../run/services.ts';
import type { ProgramRequests, TestFramework, TestOptions, TestProject } from '../../testing/framework.ts';
import { installTestPackage } from '../../testing/install.ts';
import { runTests, type TestRunEnd, type TestRunOptions } from '../../testing/run-tests.ts';
import type { TestKey } from '../../testing/test-key.ts';
import { requireTrust } from '../common/folders.ts';
import type { NeededPackage, PackageInstaller } from '../common/package-installer.ts';
import { readSettings } from '../common/settings.ts';
import type { FoundTests } from './found-tests.ts';
import { strings } from './strings.ts';

/** The account, as runs of tests need it. */
export interface TestAccount {
  /** Offers to choose an account if none is chosen. Resolves with true if one is chosen then. */
  ensureChosen(): Promise<boolean>;
  /** Offers to sign in again. Resolves with true if what failed since `startedAt` (`performance.now()`) may work now. */
  recover(message: string, startedAt: number): Promise<boolean>;
}

export interface TestRunnerDependencies {
  readonly services: RunServices;
  readonly account: TestAccount;
  readonly installer: PackageInstaller;
  readonly requests: ProgramRequests<vscode.WorkspaceFolder>;
}

/** One run of a test runner. */
export interface OneRun
  extends Pick<TestRunOptions, 'onOutput' | 'onStatus' | 'onCoverage'>,
    Pick<TestOptions, 'select' | 'isDiscovery' | 'hasCoverage'> {
  readonly signal: AbortSignal;
}

/** What is known about a framework's tests of a folder. */
interface KnownTests {
  /** The keys of tests, by the ID that the test runner calls them. */
  readonly keys: Map<string, TestKey>;
  project: TestProject | undefined;
}

/** Runs the test runners of folders in their sandboxes. */
export class TestRunner {
  readonly #dependencies: TestRunnerDependencies;
  readonly #folders = new Map<string, KnownTests>();

  constructor(dependencies: TestRunnerDependencies) {
    this.#dependencies = dependencies;
  }

  /** Throws `UserError` if nothing may run, and `DeclinedError` without an account. */
  async requireReady(): Promise<void> {
    requireTrust();
    if (!(await this.#dependencies.account.ensureChosen())) throw new DeclinedError(strings.noAccount());
  }

  /** Returns the run of a framework's program without arguments, and what it needs to know. Throws `UserError`. */
  async prepare(
    folder: vscode.WorkspaceFolder,
    framework: TestFramework,
    tests: TestOptions,
  ): Promise<{ program: RunRequest; tests: TestOptions; known: KnownTests }> {
    const program = await framework.program(this.#dependencies.requests, folder);
    const known = this.#knownOf(folder, framework);
    const args = readSettings(folder.uri).testing[framework.argsSetting];
    return { program, tests: { ...tests, args, project: known.project }, known };
  }

  /** Runs or finds tests. Offers to install what is missing, and to sign in again. Throws `UserError`. */
  async run(
    folder: vscode.WorkspaceFolder,
    framework: TestFramework,
    view: FoundTests,
    oneRun: OneRun,
  ): Promise<TestRunEnd> {
    const { services, account } = this.#dependencies;
    const { select, isDiscovery, hasCoverage, ...rest } = oneRun;
    for (;;) {
      const startedAt = performance.now();
      const { program, tests, known } = await this.prepare(folder, framework, { select, isDiscovery, hasCoverage });
      const end = await runTests({
        ...rest,
        framework,
        request: framework.request(program, tests),
        services,
        listener: view,
        known: known.keys,
        onCollected: (file) => view.removeOthers(framework, file === undefined ? select : [[file]]),
      });
      if (end.project && select === undefined) known.project = end.project;
      const { result, missing } = end;
      if (missing) {
        if (await this.#offer(missing.name, missing.python, result.sandboxId)) continue;
        throw new DeclinedError(end.reason);
      }
      if (result.outcome !== 'failed' || !result.needsAccount) return end;
      if (!(await account.recover(result.error, startedAt))) throw new DeclinedError(result.error);
    }
  }

  #offer(name: 'pytest' | 'coverage', python: string, sandboxId: string | undefined): Promise<boolean> {
    const needed: NeededPackage = {
      name,
      texts: {
        missing: () => strings.missing(name),
        missingOffline: () => strings.missingOffline(name),
        install: strings.install,
        addToImage: strings.addToImage,
        added: (profile) => strings.addedToImage(name, profile),
        installing: () => strings.installing(name),
      },
      install: (sandbox, interpreter, signal) => installTestPackage(sandbox, name, interpreter, signal),
    };
    return this.#dependencies.installer.offer(needed, python, sandboxId);
  }

  #knownOf({ uri }: vscode.WorkspaceFolder, { name }: TestFramework): KnownTests {
    const id = `${name} ${uri}`;
    const known = this.#folders.get(id) ?? { keys: new Map(), project: undefined };
    this.#folders.set(id, known);
    return known;
  }
}

/** Returns the error of a run that didn't start; undefined if it did, or was canceled. */
export function startProblem(end: TestRunEnd, signal: AbortSignal): UserError | undefined {
  if (end.isComplete || signal.aborted || end.results.hasStarted) return undefined;
  const { result } = end;
  return new UserError(end.reason, { actions: result.outcome === 'failed' ? (result.actions ?? []) : [] });
}
