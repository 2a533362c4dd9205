import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wallClock } from '../../../src/base/clock.ts';
import type { Account } from '../../../src/modal/accounts.ts';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import type { TerminalSize } from '../../../src/run/control.ts';
import { RunRecords } from '../../../src/run/records/run-records.ts';
import { type RunRequest, runRequest } from '../../../src/run/request.ts';
import { Run } from '../../../src/run/run.ts';
import type { RunServices } from '../../../src/run/services.ts';
import { FolderSyncs } from '../../../src/sandboxes/folder-syncs.ts';
import { REMOTE_ROOT } from '../../../src/sync/options.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';
import { waitFor } from '../../helpers/wait-for.ts';

/** The folder of a test, with the services for its runs. */
export interface LocalFolder {
  readonly path: string;
  readonly services: RunServices & { readonly records: RunRecords };
  dispose(): Promise<void>;
}

/** Creates an empty folder whose runs go to a Local Modal, given as a server or as an account. */
export async function localFolder(
  server: RunningLocalModal | (() => Promise<Account>),
  profile?: object,
): Promise<LocalFolder> {
  const path = await mkdtemp(join(tmpdir(), 'run-test-'));
  const storage = await mkdtemp(join(tmpdir(), 'run-test-storage-'));
  const syncs = new FolderSyncs({ storageDir: () => storage, rules: () => ({}), isLocal: () => true });
  const sessions = sessionsOf(starterOf(typeof server === 'function' ? server : () => accountOf(server)), profile);
  const records = new RunRecords({
    dir: join(storage, 'runs'),
    windowId: 'window',
    clock: wallClock,
    profile: async () => ({ profile: ProfileSchema.parse(profile ?? {}) }),
    root: () => path,
  });
  return {
    path,
    services: { sessions, syncs, records, ask: () => true },
    async dispose() {
      await Promise.all([sessions.dispose(), syncs.dispose(), records.flush()]);
      await Promise.all([path, storage].map((folder) => rm(folder, { recursive: true })));
    },
  };
}

/** Overrides for the run of a script. */
type ScriptRun = Partial<RunRequest> & { readonly size?: TerminalSize };

/** Writes a shell script to the folder and runs it. Returns the run and the texts that it shows. */
export async function startScript(folder: LocalFolder, script: string, { size, ...rest }: ScriptRun = {}) {
  await writeFile(join(folder.path, 'a.sh'), script);
  const text = { output: '', errors: '', status: '', progress: '' };
  const decoder = new TextDecoder();
  const request = runRequest({
    folder: { name: 'folder', path: folder.path },
    label: 'a.sh',
    programs: [{ argv: ['bash'] as const }],
    args: [`${REMOTE_ROOT}/a.sh`],
    ...rest,
  });
  const run = new Run(
    request,
    folder.services,
    {
      progress: (line) => (text.progress += `${line}\n`),
      status: (line) => (text.status += `${line}\n`),
      stdout: (bytes) => (text.output += decoder.decode(bytes, { stream: true })),
      stderr: (bytes) => (text.errors += Buffer.from(bytes).toString()),
    },
    size,
  );
  const shows = (expected: string) =>
    waitFor(
      expected,
      30_000,
      async () => text,
      ({ output }) => output.includes(expected),
    );
  return { run, text, shows };
}

/** Local Modal, and the folder of the current test. */
export interface LocalRuns {
  server: RunningLocalModal;
  folder: LocalFolder;
  start(script: string, run?: ScriptRun): ReturnType<typeof startScript>;
}

/** Called in a `describe`: starts Local Modal for all of its tests, and creates an empty folder for each. */
export function localRuns(): LocalRuns {
  const runs = { start: (script, run) => startScript(runs.folder, script, run) } as LocalRuns;
  before(async () => {
    runs.server = await startLocalModal();
  });
  after(() => runs.server.stop());
  beforeEach(async () => {
    runs.folder = await localFolder(runs.server);
  });
  afterEach(async () => {
    await runs.server.control.clearFaults();
    await runs.folder.dispose();
  });
  return runs;
}
