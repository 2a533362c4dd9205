/**
 * What a window does with a sandbox, in a process of its own so that its memory can be measured. Reads one line of JSON for
 * each step, and answers with one line: how each action in each sandbox ended, and the peak of the
 * process's memory.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ModalClient, Sandbox } from 'modal';
import { connect } from '../../../src/modal/client.ts';
import { explain } from '../../../src/modal/explain/explain.ts';
import { readAll } from '../../../src/modal/remote-files.ts';
import { sandboxFiles } from '../../../src/modal/sandbox-files.ts';
import { searchSandbox } from '../../../src/modal/sandbox-search.ts';
import { runRequest } from '../../../src/run/request.ts';
import { Run } from '../../../src/run/run.ts';
import { FolderSyncs } from '../../../src/sandboxes/folder-syncs.ts';
import { runOrThrow } from '../../../src/sandboxes/shell-commands.ts';
import { REMOTE_ROOT } from '../../../src/sync/options.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';

export interface Work {
  readonly sandboxId: string;
  readonly action: string;
}

/** How an action ended: with a sentence, or as it should; and after how many milliseconds. */
export interface Outcome extends Work {
  readonly said: string;
  readonly tookMs: number;
}

export interface Step {
  readonly url: string;
  /** Done at the same time. */
  readonly work: readonly Work[];
}

export interface Answer {
  readonly outcomes: readonly Outcome[];
  readonly peakBytes: number;
}

const MAX_FILE_BYTES = 10_000_000;
const MAX_SYNCS = 10;

/** Each resolves with what a person is told. */
const ACTIONS: Readonly<Record<string, (window: Window) => Promise<string>>> = {
  list: async ({ sandbox }) => {
    const entries = await sandboxFiles(async () => sandbox).list(REMOTE_ROOT);
    return `${entries.length} entries`;
  },
  read: async ({ sandbox }) => {
    const bytes = await readAll(
      sandboxFiles(async () => sandbox),
      `${REMOTE_ROOT}/there`,
      MAX_FILE_BYTES,
    );
    return `${bytes.length} bytes`;
  },
  search: async ({ sandbox }) => {
    const { signal } = new AbortController();
    const options = { signal, maxHits: 10, onHits: () => {} };
    return `complete: ${(await searchSandbox(sandbox, REMOTE_ROOT, 'there', options)).isComplete}`;
  },
  setup: async ({ sandbox }) => {
    await runOrThrow(sandbox, 'true', { kind: 'setup command', key: 'setup' });
    return 'done';
  },
  push: async ({ sandbox, syncs, folder }) => {
    const { files } = await syncs.of(folder).push(sandbox, { ask: () => true });
    return `${files} files`;
  },
  changes: async ({ sandbox, syncs, folder }) => {
    const { created } = await syncs.of(folder).remoteChanges(sandbox);
    return `${created.length} created`;
  },
  pull: async ({ sandbox, syncs, folder }) => {
    const { files } = await syncs.of(folder).pull(sandbox, { paths: ['there'] });
    return `${files} files`;
  },
  run: ({ sandbox, syncs, folder, url }) => run(sandbox, syncs, folder, url, true),
  'run without a sync': ({ sandbox, syncs, folder, url }) => run(sandbox, syncs, folder, url, false),
};

interface Window {
  readonly sandbox: Sandbox;
  readonly syncs: FolderSyncs;
  readonly folder: { readonly name: string; readonly path: string };
  readonly url: string;
}

/** The time after which a person presses Ctrl+C. */
const PATIENCE_MS = 2_000;

async function run(sandbox: Sandbox, syncs: FolderSyncs, folder: Window['folder'], url: string, sync: boolean) {
  const sessions = sessionsOf(starterOf(() => accountOf({ url })));
  const { sandboxId } = sandbox;
  const programs = [{ argv: ['true'] as const }];
  const request = runRequest({ folder, label: 'true', programs, args: [], sandboxId, sync, pty: false });
  let said = '';
  const status = (line: string) => {
    said += line;
  };
  const running = new Run(
    request,
    { sessions, syncs, ask: () => true },
    { progress: () => {}, status, stdout: () => {}, stderr: () => {} },
  );
  const interrupt = sync ? undefined : setTimeout(() => running.cancel(), PATIENCE_MS);
  const { outcome, error = '', exitCode = '' } = await running.done;
  clearTimeout(interrupt);
  await sessions.dispose();
  return `${error}${said}${outcome} ${exitCode}`;
}

/** A folder with its engine. Actions at the same time can't share one. */
class Place {
  readonly syncs: FolderSyncs;
  readonly folder: Window['folder'];
  readonly #path: string;

  constructor() {
    this.#path = mkdtempSync(join(tmpdir(), 'hostile-'));
    const path = join(this.#path, 'folder');
    mkdirSync(path);
    writeFileSync(join(path, 'a.txt'), 'a');
    this.folder = { name: 'folder', path };
    const storageDir = () => join(this.#path, 'storage');
    this.syncs = new FolderSyncs({ storageDir, rules: () => ({}), isLocal: () => true });
  }

  async dispose(): Promise<void> {
    await this.syncs.dispose();
    rmSync(this.#path, { recursive: true });
  }
}

const NEEDS_SYNC = ['push', 'changes', 'pull', 'run'];
/** Created at the start, as they take memory of their own. */
const places = Array.from({ length: MAX_SYNCS }, () => new Place());

async function perform(client: ModalClient, url: string, { sandboxId, action }: Work, place: Place): Promise<Outcome> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  const startedAt = performance.now();
  const window = { sandbox, syncs: place.syncs, folder: place.folder, url };
  const said = await (ACTIONS[action] as (typeof ACTIONS)[string])(window).catch((error) => explain(error).message);
  return { action, sandboxId, said, tookMs: performance.now() - startedAt };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { url, work } = JSON.parse(line) as Step;
  const client = await connect(accountOf({ url }));
  await Promise.all(places.map(({ syncs, folder }) => syncs.of(folder).explain(['a.txt'])));
  const free = [...places];
  const outcomes = await Promise.all(
    work.map((each) =>
      perform(client, url, each, (NEEDS_SYNC.includes(each.action) ? free.pop() : places[0]) as Place),
    ),
  );
  client.close();
  const answer: Answer = { outcomes, peakBytes: process.resourceUsage().maxRSS * 1024 };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await Promise.all(places.map((place) => place.dispose()));
process.exit();
