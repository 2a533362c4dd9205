import type { Sandbox } from 'modal';
import type { RunRequest } from '../run/request.ts';
import type { EventSink } from './events.ts';
import type { TestKey } from './test-key.ts';

/** A test, or a group of tests, in a file's text. */
export interface ScannedTest {
  readonly name: string;
  /** From 0. */
  readonly line: number;
  readonly children: readonly ScannedTest[];
}

/** Where a project's tests were found the last time. */
export interface TestProject {
  /** pytest's `rootdir`, absolute in the sandbox. */
  readonly root: string;
  /** The file of its configuration, if there is one. */
  readonly ini: string | undefined;
}

export interface TestOptions {
  /** The tests to run, or the groups of tests; undefined for all. */
  readonly select?: readonly TestKey[] | undefined;
  /** Measures what the tests execute. */
  readonly hasCoverage?: boolean | undefined;
  /** Finds the tests, but runs none. */
  readonly isDiscovery?: boolean | undefined;
  /** The folder with pytest if the image has none. */
  readonly packages?: string;
  /** More arguments of the user's. */
  readonly args?: readonly string[];
  readonly project?: TestProject | undefined;
}

/** Builds the runs of programs in a folder. Throws `UserError`. */
export interface ProgramRequests<Folder> {
  forModule(folder: Folder, module: string): Promise<RunRequest>;
  forCommandIn(folder: Folder, argv: readonly [string, ...string[]]): Promise<RunRequest>;
}

/** A run of tests under a debugger, which only takes a launch configuration. */
export interface DebuggedTests {
  /** What to debug, in the words of launch.json. */
  readonly launch: Readonly<Record<string, unknown>>;
  /** The file of the run's events. */
  readonly events: string;
}

/** Reads what a program prints. */
export interface TestOutputReader {
  stdout(bytes: Uint8Array): void;
  stderr(bytes: Uint8Array): void;
}

/**
 * A test framework: how its tests are found in files, the command line that runs them, and what it says. Everything else is the
 * same for all.
 */
export interface TestFramework {
  readonly name: string;
  /** The pattern of its files, for VS Code. */
  readonly files: string;
  /** VS Code's language IDs of its files. */
  readonly languages: readonly string[];
  /** The setting of `modal.testing` with more arguments. */
  readonly argsSetting: 'pytestArgs' | 'nodeArgs' | 'goArgs';
  /** A file with the name of one of its files is one. Otherwise, only the file's text tells. */
  readonly namesTell: boolean;
  /** It finds its files itself if none is selected. */
  readonly findsFiles: boolean;
  /** It can list its tests without running them. */
  readonly listsTests: boolean;
  /** Prepares a sandbox for tests in a debug session, if it can run there. Throws `UserError` and the SDK's errors. */
  prepareDebugging?(sandbox: Sandbox, options: TestOptions, signal?: AbortSignal): Promise<DebuggedTests>;
  /** Exit codes with which it has run tests, or has found none. */
  readonly ranCodes: ReadonlySet<number>;
  /** Returns true if a file may be one of its files, by name. Files that a run finds may have other names. */
  isTestFile(path: string): boolean;
  /** Returns true if a file of tests belongs to it and to no other one, by its extension. */
  owns(path: string): boolean;
  /** Finds the tests that a file's text has; undefined if the text isn't one of this framework. */
  scan(text: string): ScannedTest[] | undefined;
  /** Returns the run of its program without arguments. Throws `UserError`. */
  program<Folder>(requests: ProgramRequests<Folder>, folder: Folder): Promise<RunRequest>;
  /** Returns the run of tests, given that of its program. */
  request(program: RunRequest, options: TestOptions): RunRequest;
  /** Returns a reader of what the run prints. */
  reader(sink: EventSink): TestOutputReader;
}
