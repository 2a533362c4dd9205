import { randomUUID } from 'node:crypto';
import type { App, Image, ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { formatBytes } from '../base/text.ts';
import { execWith } from '../modal/exec.ts';
import { Archive } from './archive.ts';
import { GATHER, MOUNT, PLACE, STAGING, TELL, UNPACK } from './copy-scripts.ts';
import { ImageBuildError, placeName } from './errors.ts';
import { envLine } from './lines.ts';
import type { Chain, Copy, CopyStep } from './recipe.ts';
import { contentOf, hashOf } from './recipe-key.ts';
import { type SharedSnapshot, sharedSnapshot, snapshotOf, startOrDiscard } from './shared-snapshot.ts';

/** What a copy needs of the build that it is part of. */
export interface CopyTools {
  readonly client: ModalClient;
  readonly app: App;
  readonly force: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onLog: (text: string) => void;
  /** Builds a stage. Returns its image’s id. */
  stage(chain: Chain): Promise<string>;
  /** Builds a layer of the step. Returns its image’s id. */
  layer(step: CopyStep, imageId: string, commands: readonly string[]): Promise<string>;
}

/** A sandbox that its window has left behind holds others up for this long. */
const IDLE_MS = 600_000;
const SANDBOX_MS = 3_600_000;
const COLLECTED_MS = 86_400_000;
const SNAPSHOT_MS = 600_000;
const LOG_LINES = 20;

/**
 * Brings files into an image: starts a sandbox of it, sends the files as an archive, takes a snapshot, which no window and
 * no machine of the account does twice. Throws `ImageBuildError`.
 */
export async function copyInto(step: CopyStep, imageId: string, tools: CopyTools): Promise<SharedSnapshot> {
  const { client, app, signal, force } = tools;
  const stages = new Map<Chain, string>();
  for (const { from } of step.copies) if ('stage' in from) stages.set(from.stage, await tools.stage(from.stage));
  const key = keyOf(step, imageId, stages);
  return sharedSnapshot(
    client,
    app,
    { kind: 'vscode-layer', key },
    {
      force,
      signal,
      start: async (name) => {
        const asRoot = isRoot(step.restore.user) ? imageId : await tools.layer(step, imageId, ['USER root']);
        return start(tools, asRoot, name);
      },
      make: (sandbox) => new SandboxCopy(sandbox, step, tools).make(stages),
      onWait: () => tools.onLog('Another window is making this layer.\n'),
    },
  );
}

async function start({ client, app }: CopyTools, imageId: string, name?: string): Promise<Sandbox> {
  const image = await client.images.fromId(imageId);
  const limits = { timeoutMs: SANDBOX_MS, idleTimeoutMs: IDLE_MS };
  return client.sandboxes.create(app, image, { ...limits, ...(name && { name }) });
}

/** Files are root’s to write, whoever the image’s user is. */
function isRoot(user: string | undefined): boolean {
  return user === undefined || /^(root|0)(:|$)/.test(user);
}

function keyOf(step: CopyStep, imageId: string, stages: ReadonlyMap<Chain, string>): string {
  const copies = step.copies.map(({ title: _, place: __, from, ...rest }) => [
    'stage' in from ? [stages.get(from.stage), from.paths] : from.entries.map(contentOf),
    rest,
  ]);
  return hashOf([imageId, copies, step.restore]).slice(0, 40);
}

/** One copy step in a sandbox of its own. */
class SandboxCopy {
  readonly #sandbox: Sandbox;
  readonly #step: CopyStep;
  readonly #tools: CopyTools;

  constructor(sandbox: Sandbox, step: CopyStep, tools: CopyTools) {
    this.#sandbox = sandbox;
    this.#step = step;
    this.#tools = tools;
  }

  async make(stages: ReadonlyMap<Chain, string>): Promise<Image> {
    const { copies, restore } = this.#step;
    const gathered = await this.#gather(stages);
    for (const copy of copies) {
      this.#tools.onLog(`${copy.title}${sizeOf(copy)}\n`);
      if ('stage' in copy.from) await this.#fromStage(copy, gathered.get(copy));
      else await this.#script(copy, this.#sandbox, UNPACK, [STAGING], new Archive(copy.from.entries));
      const flags = [copy.owner ?? '', copy.mode ?? '', copy.unpack ? '1' : '', copy.keepsLayout ? '1' : ''];
      await this.#script(copy, this.#sandbox, PLACE, [STAGING, copy.to, ...flags]);
      await this.#script(copy, this.#sandbox, 'rm -rf "$1"', [STAGING]);
    }
    const lines = await this.#restoring(restore);
    const snapshot = await snapshotOf(this.#sandbox, this.#tools.signal);
    if (lines.length === 0) return snapshot;
    return this.#tools.client.images.fromId(await this.#tools.layer(this.#step, snapshot.imageId, lines));
  }

  /** What a snapshot may have lost of the image: variables, working directory and user. */
  async #restoring({ env, user }: CopyStep['restore']): Promise<string[]> {
    const said = await execWith(this.#sandbox, ['sh', '-c', `${TELL}\nsync`, 'sh', ...env], {
      signal: this.#tools.signal,
    });
    const [workdir = '/', ...values] = said.toString().split('\0').slice(0, -1);
    const lines = values
      .filter((pair) => !pair.includes('\n'))
      .map((pair) => envLine(pair.replace(/=.*$/s, ''), pair.replace(/^[^=]*=/, '')));
    if (workdir !== '/') lines.push(`WORKDIR ${workdir}`);
    if (user !== undefined) lines.push(`USER ${user}`);
    return lines;
  }

  /** Collects what comes from stages, in a sandbox of each, as images that can be mounted here. */
  async #gather(stages: ReadonlyMap<Chain, string>): Promise<Map<Copy, { image: Image; folder: string }>> {
    const found = new Map<Copy, { image: Image; folder: string }>();
    const { signal } = this.#tools;
    for (const [chain, stageId] of stages) {
      const copies = this.#step.copies.flatMap((copy) =>
        'stage' in copy.from && copy.from.stage === chain ? [{ copy, from: copy.from }] : [],
      );
      const asRoot = copies.every(({ from }) => isRoot(from.user));
      const imageId = asRoot ? stageId : await this.#tools.layer(this.#step, stageId, ['USER root']);
      const sandbox = await startOrDiscard(start(this.#tools, imageId), signal);
      try {
        for (const [index, { copy, from }] of copies.entries())
          await this.#script(copy, sandbox, GATHER, [`${STAGING}/${index}`, ...from.paths]);
        const options = { ttlMs: COLLECTED_MS, timeoutMs: SNAPSHOT_MS };
        const collected = await untilAborted(sandbox.snapshotDirectory(STAGING, options), signal);
        for (const [index, { copy }] of copies.entries())
          found.set(copy, { image: collected, folder: `${MOUNT}/${index}` });
      } finally {
        await sandbox.terminate().catch(() => {});
      }
    }
    return found;
  }

  async #fromStage(copy: Copy, from: { image: Image; folder: string } | undefined): Promise<void> {
    if (!from) throw this.#failure(copy, ['The stage’s files are gone.']);
    await this.#sandbox.mountImage(MOUNT, from.image);
    await this.#script(copy, this.#sandbox, 'cp -a "$1" "$2"', [from.folder, STAGING]);
    await this.#sandbox.unmountImage(MOUNT);
    await this.#script(copy, this.#sandbox, 'rmdir "$1" 2> /dev/null || true', [MOUNT]);
  }

  /** Runs a script; what it prints is an error’s reason. */
  async #script(copy: Copy, sandbox: Sandbox, script: string, args: string[], source?: Archive) {
    const done = randomUUID();
    const argv = ['sh', '-c', `exec 2>&1\n(\n${script}\n)\n[ $? = 0 ] && echo ${done}`, 'sh', ...args];
    const said = await execWith(sandbox, argv, { signal: this.#tools.signal, ...(source && { source: () => source }) });
    if (source?.failure) throw source.failure;
    const lines = said.toString().trimEnd().split('\n');
    if (lines.at(-1) !== done) throw this.#failure(copy, lines);
  }

  #failure({ title, place }: Copy, log: readonly string[]): ImageBuildError {
    for (const line of log) this.#tools.onLog(`${line}\n`);
    const why = log.findLast((line) => line !== '') ?? 'no reason given';
    const message = `The image could not be built: “${title}” (${placeName(place)}) failed: ${why.replace(/\.$/, '')}.`;
    return new ImageBuildError(message, { title, place, log: log.slice(-LOG_LINES) });
  }
}

function sizeOf({ from }: Copy): string {
  if ('stage' in from) return '';
  const files = from.entries.filter(({ kind }) => kind === 'file');
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return ` (${files.length === 1 ? '1 file' : `${files.length} files`}, ${formatBytes(bytes)})`;
}
