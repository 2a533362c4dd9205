import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Sandbox } from 'modal';
import { runRequest } from '../../../src/run/request.ts';
import { Run } from '../../../src/run/run.ts';
import type { FoundTest, TestedFile, TestFailure, TestResult } from '../../../src/testing/events.ts';
import type { ProgramRequests, TestFramework, TestOptions } from '../../../src/testing/framework.ts';
import { pythonTests } from '../../../src/testing/pytest.ts';
import type { ResultListener } from '../../../src/testing/results.ts';
import { runTests, type TestRunEnd } from '../../../src/testing/run-tests.ts';
import { runShards } from '../../../src/testing/shards.ts';
import { keyText, type TestKey } from '../../../src/testing/test-key.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { putPytest } from '../../helpers/pytest.ts';
import { type LocalFolder, localFolder } from '../run/local-runs.ts';

/** What a run of tests has reported. */
export interface Reported extends TestRunEnd {
  readonly found: FoundTest[];
  readonly started: TestKey[];
  readonly ended: Map<string, Omit<TestResult, 'kind' | 'id'>>;
  readonly broken: Map<string, TestFailure>;
  readonly covered: TestedFile[];
  readonly output: string;
  readonly status: string;
  /** Returns the outcomes by the last name of the test. */
  outcomes(): Record<string, string>;
  resultOf(...key: [string, ...string[]]): Omit<TestResult, 'kind' | 'id'> | undefined;
}

/** A folder with tests, and its sandbox with pytest. */
export interface TestPlace {
  readonly server: RunningLocalModal;
  readonly folder: LocalFolder;
  readonly sandbox: Sandbox;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  run(options?: TestPlaceRun): Promise<Reported>;
  /** Runs a command in the synced folder. */
  execute(argv: [string, ...string[]], env?: Readonly<Record<string, string>>): Promise<Executed>;
  dispose(): Promise<void>;
}

/** What a command has printed. */
export interface Executed {
  readonly exitCode: number | undefined;
  readonly output: string;
}

export interface TestPlaceRun extends TestOptions {
  /** Defaults to pytest. */
  readonly framework?: TestFramework;
  /** The program, instead of the framework's own. */
  readonly argv?: readonly [string, ...string[]];
  readonly known?: Map<string, TestKey>;
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs each of these groups in a sandbox of its own. */
  readonly groups?: readonly (readonly TestKey[])[];
  onStarted?(key: TestKey): unknown;
}

/** Starts Local Modal with a folder whose sandbox has pytest, unless it isn't needed. */
export async function testPlace({ hasPytest = true } = {}): Promise<TestPlace> {
  const server = await startLocalModal();
  const folder = await localFolder(server, { hostVolume: false });
  const place = { name: 'folder', path: folder.path };
  const { sandbox } = await folder.services.sessions.acquire(place);
  if (hasPytest) await putPytest(sandbox);
  return {
    server,
    folder,
    sandbox,
    async write(files) {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder.path, path)), { recursive: true });
        await writeFile(join(folder.path, path), text);
      }
    },
    async run({ framework = pythonTests, argv, known, signal, env = {}, groups, onStarted, ...tests } = {}) {
      const requestOf = (own: readonly [string, ...string[]]) =>
        runRequest({ folder: place, label: framework.name, programs: [{ argv: argv ?? own }], env });
      const requests: ProgramRequests<undefined> = {
        forModule: async () => requestOf(['python3']),
        forCommandIn: async (_, own) => requestOf(own),
      };
      const program = await framework.program(requests, undefined);
      const seen = {
        found: [] as FoundTest[],
        started: [] as TestKey[],
        covered: [] as TestedFile[],
      };
      const ended: Reported['ended'] = new Map();
      const broken: Reported['broken'] = new Map();
      const text = { output: '', status: '' };
      const listener: ResultListener = {
        found: (tests) => seen.found.push(...tests),
        started: (key) => {
          seen.started.push(key);
          onStarted?.(key);
        },
        ended: (key, result) => void ended.set(keyText(key), result),
        broken: (file, failure) => void broken.set(file, failure),
      };
      const own = {
        services: folder.services,
        framework,
        listener,
        ...(known && { known }),
        ...(signal && { signal }),
        onOutput: (more: string) => (text.output += more),
        onCoverage: (file: TestedFile) => void seen.covered.push(file),
        onStatus: (line: string) => (text.status += `${line}\n`),
      };
      const [end] = groups
        ? await runShards({ ...own, program, tests, groups })
        : [await runTests({ ...own, request: framework.request(program, tests) })];
      if (!end) throw new Error('There were no tests.');
      return {
        ...end,
        ...seen,
        ...text,
        ended,
        broken,
        outcomes: () =>
          Object.fromEntries([...ended].map(([key, { outcome }]) => [(JSON.parse(key) as string[]).at(-1), outcome])),
        resultOf: (...key) => ended.get(keyText(key)),
      };
    },
    async execute(argv, env = {}) {
      let output = '';
      const add = (bytes: Uint8Array) => (output += Buffer.from(bytes).toString());
      const request = runRequest({ folder: place, label: 'command', programs: [{ argv }], env, pty: false });
      const none = () => {};
      const run = new Run(request, folder.services, {
        isUnpaced: true,
        status: none,
        progress: none,
        stdout: add,
        stderr: add,
      });
      return { exitCode: (await run.done).exitCode, output };
    },
    async dispose() {
      await folder.dispose();
      await server.stop();
    },
  };
}
