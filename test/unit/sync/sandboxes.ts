import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { App, ModalClient, Sandbox } from 'modal';
import { SyncEngine, type SyncEngineOptions } from '../../../src/sync/engine.ts';
import { APPLY_SCRIPT } from '../../../src/sync/push/apply-script.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { temporaryFolder } from './temporary.ts';

/** A Local Modal with sandboxes for the tests of one file. */
export class Sandboxes {
  readonly server: RunningLocalModal;
  readonly #client: ModalClient;
  readonly #app: App;

  private constructor(server: RunningLocalModal, client: ModalClient, app: App) {
    this.server = server;
    this.#client = client;
    this.#app = app;
  }

  static async start(): Promise<Sandboxes> {
    const server = await startLocalModal();
    const client = server.client();
    return new Sandboxes(server, client, await client.apps.fromName('sync-tests', { createIfMissing: true }));
  }

  async create(): Promise<Sandbox> {
    const image = await this.#client.images.fromRegistry('python:3.13-slim').build(this.#app);
    return this.#client.sandboxes.create(this.#app, image, { timeoutMs: 600_000 });
  }

  /** Creates a sandbox from a snapshot of another one. */
  async restore(sandbox: Sandbox): Promise<Sandbox> {
    const image = await sandbox.snapshotFilesystem();
    return this.#client.sandboxes.create(this.#app, image, { timeoutMs: 600_000 });
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}

/** Runs a shell line in the synced folder and returns what it printed. */
export async function inSandbox(sandbox: Sandbox, line: string, workdir = '/workspace'): Promise<string> {
  const process = await sandbox.exec(['sh', '-c', `cd ${workdir} && { ${line}\n} 2>&1`], { timeoutMs: 60_000 });
  const output = await process.stdout.readText();
  await process.wait();
  return output;
}

/** Returns the command of a push by the apply script, also if the push would start Perl without a shell. */
export function throughShell(argv: readonly string[]): string[] {
  const [program, , , name, how, , ...args] = argv;
  return program === 'perl' && how === 'direct' ? ['sh', '-c', APPLY_SCRIPT, name as string, ...args] : [...argv];
}

/** Wraps a sandbox so that a push there runs another command before a line of the apply script. */
export function beforeLine(sandbox: Sandbox, line: string, command: string): Sandbox {
  assert.equal(APPLY_SCRIPT.split(`\n${line}`).length, 2, line);
  const script = APPLY_SCRIPT.replace(`\n${line}`, () => `\n${command}\n${line}`);
  const exec = (argv: string[], options: object) =>
    sandbox.exec(
      throughShell(argv).map((part) => part.replace(APPLY_SCRIPT, () => script)),
      options,
    );
  return { sandboxId: sandbox.sandboxId, exec } as unknown as Sandbox;
}

/** Prints the kind, executable bit, name, and content hash of everything, in order. */
const TREE_SCRIPT = `find . -path ./.modal-sync -prune -o ! -name . -print0 | sort -z | while IFS= read -r -d '' p; do
  if [ -h "$p" ]; then echo "link $p $(readlink "$p")"; elif [ -d "$p" ]; then echo "folder $p"
  else x=-; [ -x "$p" ] && x=x; echo "file $x $p $(sha256sum < "$p")"; fi; done`;

/** Returns everything in the sandbox's folder, with one line for each path. */
export async function remoteTree(sandbox: Sandbox, root = '/workspace'): Promise<string[]> {
  const process = await sandbox.exec(['bash', '-c', `cd ${root} && ${TREE_SCRIPT}`], { timeoutMs: 60_000 });
  return (await process.stdout.readText()).split('\n').filter((line) => line !== '');
}

/** Returns the same for a local folder. */
export function localTree(root: string): string[] {
  const { stdout } = spawnSync('bash', ['-c', TREE_SCRIPT], { cwd: root, encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '' && !/^\S+ (\S )?\.\/\.git(\/|$)/.test(line));
}

/** Creates an engine that answers every question with yes by default. */
export function engineFor(root: string, options: Partial<SyncEngineOptions> = {}): SyncEngine {
  return new SyncEngine({ root, storageDir: join(temporaryFolder(), 'storage'), ask: () => true, ...options });
}
