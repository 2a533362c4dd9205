import { randomUUID } from 'node:crypto';
import type { App, Image, ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { DAY_MS, HOUR_MS } from '../base/clock.ts';
import { formatBytes } from '../base/text.ts';
import { type AnswerLimits, execWith } from '../modal/exec.ts';
import { SNAPSHOT_TIMEOUT_MS } from '../modal/snapshots.ts';
import { endSandbox, startNoted } from '../modal/start-notes.ts';
import { Archive } from './archive.ts';
import { GATHER, MOUNT, PLACE, PRINT_ENVIRONMENT, STAGING, UNPACK } from './copy-scripts.ts';
import { ImageBuildError, placeName } from './errors.ts';
import { envLine } from './lines.ts';
import type { Chain, Copy, CopyStep } from './recipe.ts';
import { contentOf, hashOf } from './recipe-key.ts';
import { type SharedSnapshot, sharedSnapshot, snapshotOf, startOrDiscard } from './shared-snapshot.ts';
import { strings } from './strings.ts';

/** The build that a copy step is part of. */
export interface CopyDependencies {
  readonly client: ModalClient;
  readonly app: App;
  readonly force: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onLog: (text: string) => void;
  /** Builds a stage. Resolves with its image ID. */
  stage(chain: Chain): Promise<string>;
  /** Builds a layer of the step. Resolves with its image ID. */
  layer(step: CopyStep, imageId: string, commands: readonly string[]): Promise<string>;
}

/** The time for which other windows wait for an abandoned sandbox. */
const IDLE_TIMEOUT_MS = 600_000;
const SANDBOX_TIMEOUT_MS = HOUR_MS;
const COLLECTED_TTL_MS = DAY_MS;
const MAX_LOG_LINES = 20;
/** Copying large files takes minutes, in which the sandbox is quiet. */
const COPY_LIMITS: AnswerLimits = { maxBytes: 4_000_000, timeoutMs: HOUR_MS / 2, quietMs: HOUR_MS / 4 };

/**
 * Copies files into an image: starts a sandbox from it, sends the files as an archive, and takes a snapshot. Windows and
 * computers of the account share the result. Throws `ImageBuildError`.
 */
export async function copyInto(step: CopyStep, imageId: string, build: CopyDependencies): Promise<SharedSnapshot> {
  const { client, app, signal, force } = build;
  const stages = new Map<Chain, string>();
  for (const { from } of step.copies) if ('stage' in from) stages.set(from.stage, await build.stage(from.stage));
  const key = copyKey(step, imageId, stages);
  return sharedSnapshot(
    client,
    app,
    { kind: 'vscode-layer', key },
    {
      force,
      signal,
      start: async (name) => {
        const asRoot = isRoot(step.restore.user) ? imageId : await build.layer(step, imageId, ['USER root']);
        return start(build, asRoot, name);
      },
      create: (sandbox) => new SandboxCopy(sandbox, step, build).run(stages),
      onWait: () => build.onLog(`${strings.buildingInOtherWindow()}\n`),
    },
  );
}

async function start({ client, app }: CopyDependencies, imageId: string, name?: string): Promise<Sandbox> {
  const image = await client.images.fromId(imageId);
  const limits = { timeoutMs: SANDBOX_TIMEOUT_MS, idleTimeoutMs: IDLE_TIMEOUT_MS };
  return startNoted(client, app, image, { ...limits, ...(name && { name }) }, { isTemporary: true });
}

/** Returns whether the image's user can write all files. */
function isRoot(user: string | undefined): boolean {
  return user === undefined || /^(root|0)(:|$)/.test(user);
}

function copyKey(step: CopyStep, imageId: string, stages: ReadonlyMap<Chain, string>): string {
  const copies = step.copies.map(({ title: _, place: __, from, ...rest }) => [
    'stage' in from ? [stages.get(from.stage), from.paths] : from.entries.map(contentOf),
    rest,
  ]);
  return hashOf([imageId, copies, step.restore]).slice(0, 40);
}

/** One copy step, in its own sandbox. */
class SandboxCopy {
  readonly #sandbox: Sandbox;
  readonly #step: CopyStep;
  readonly #build: CopyDependencies;

  constructor(sandbox: Sandbox, step: CopyStep, build: CopyDependencies) {
    this.#sandbox = sandbox;
    this.#step = step;
    this.#build = build;
  }

  /** Copies everything into the sandbox. Resolves with an image of it. */
  async run(stages: ReadonlyMap<Chain, string>): Promise<Image> {
    const { copies, restore } = this.#step;
    const gathered = await this.#gather(stages);
    for (const copy of copies) {
      this.#build.onLog(`${describe(copy)}\n`);
      if ('stage' in copy.from) await this.#fromStage(copy, gathered.get(copy));
      else await this.#script(copy, this.#sandbox, UNPACK, [STAGING], new Archive(copy.from.entries));
      const flags = [copy.owner ?? '', copy.mode ?? '', copy.unpack ? '1' : '', copy.keepsLayout ? '1' : ''];
      await this.#script(copy, this.#sandbox, PLACE, [STAGING, copy.to, ...flags]);
      await this.#script(copy, this.#sandbox, 'rm -rf "$1"', [STAGING]);
    }
    const lines = await this.#restoringLines(restore);
    const snapshot = await snapshotOf(this.#sandbox, this.#build.signal);
    if (lines.length === 0) return snapshot;
    return this.#build.client.images.fromId(await this.#build.layer(this.#step, snapshot.imageId, lines));
  }

  /** Returns the lines that restore what a snapshot may have lost: variables, working directory, and user. */
  async #restoringLines({ env, user }: CopyStep['restore']): Promise<string[]> {
    const output = await execWith(this.#sandbox, ['sh', '-c', `${PRINT_ENVIRONMENT}\nsync`, 'sh', ...env], {
      signal: this.#build.signal,
      isWatched: true,
      ...COPY_LIMITS,
    });
    const [workdir = '/', ...values] = output.toString().split('\0').slice(0, -1);
    const lines = values
      .filter((pair) => !pair.includes('\n'))
      .map((pair) => envLine(pair.replace(/=.*$/s, ''), pair.replace(/^[^=]*=/, '')));
    if (workdir !== '/') lines.push(`WORKDIR ${workdir}`);
    if (user !== undefined) lines.push(`USER ${user}`);
    return lines;
  }

  /** Collects the files that come from stages, in a sandbox of each, as images that can be mounted here. */
  async #gather(stages: ReadonlyMap<Chain, string>): Promise<Map<Copy, { image: Image; folder: string }>> {
    const found = new Map<Copy, { image: Image; folder: string }>();
    const { signal } = this.#build;
    for (const [chain, stageId] of stages) {
      const copies = this.#step.copies.flatMap((copy) =>
        'stage' in copy.from && copy.from.stage === chain ? [{ copy, from: copy.from }] : [],
      );
      const asRoot = copies.every(({ from }) => isRoot(from.user));
      const imageId = asRoot ? stageId : await this.#build.layer(this.#step, stageId, ['USER root']);
      const sandbox = await startOrDiscard(this.#build.client, start(this.#build, imageId), signal);
      try {
        for (const [index, { copy, from }] of copies.entries())
          await this.#script(copy, sandbox, GATHER, [`${STAGING}/${index}`, ...from.paths]);
        const options = { ttlMs: COLLECTED_TTL_MS, timeoutMs: SNAPSHOT_TIMEOUT_MS };
        const collected = await untilAborted(sandbox.snapshotDirectory(STAGING, options), signal);
        for (const [index, { copy }] of copies.entries())
          found.set(copy, { image: collected, folder: `${MOUNT}/${index}` });
      } finally {
        await endSandbox(this.#build.client, sandbox);
      }
    }
    return found;
  }

  async #fromStage(copy: Copy, from: { image: Image; folder: string } | undefined): Promise<void> {
    if (!from) throw this.#failure(copy, [strings.stageFilesGone()]);
    await this.#sandbox.mountImage(MOUNT, from.image);
    await this.#script(copy, this.#sandbox, 'cp -a "$1" "$2"', [from.folder, STAGING]);
    await this.#sandbox.unmountImage(MOUNT);
    await this.#script(copy, this.#sandbox, 'rmdir "$1" 2> /dev/null || true', [MOUNT]);
  }

  /** Runs a script. If it fails, its output becomes the error's reason. */
  async #script(copy: Copy, sandbox: Sandbox, script: string, args: string[], source?: Archive) {
    const done = randomUUID();
    const argv = ['sh', '-c', `exec 2>&1\n(\n${script}\n)\n[ $? = 0 ] && echo ${done}`, 'sh', ...args];
    const output = await execWith(sandbox, argv, {
      signal: this.#build.signal,
      ...(source && { source: () => source }),
      isWatched: true,
      ...COPY_LIMITS,
    });
    if (source?.failure) throw source.failure;
    const lines = output.toString().trimEnd().split('\n');
    if (lines.at(-1) !== done) throw this.#failure(copy, lines);
  }

  #failure({ title, place }: Copy, log: readonly string[]): ImageBuildError {
    for (const line of log) this.#build.onLog(`${line}\n`);
    const reason = log.findLast((line) => line !== '') ?? strings.noOutput();
    return new ImageBuildError(strings.layerFailed(title, placeName(place), reason.replace(/\.$/, '')), {
      title,
      place,
      log: log.slice(-MAX_LOG_LINES),
    });
  }
}

/** Returns a copy's title, with the number and size of its files if they are local. */
function describe({ title, from }: Copy): string {
  if ('stage' in from) return title;
  const files = from.entries.filter(({ kind }) => kind === 'file');
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return strings.copiedFiles(title, files.length, formatBytes(bytes));
}
