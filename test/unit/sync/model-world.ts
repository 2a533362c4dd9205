import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import type { SyncEngine } from '../../../src/sync/engine.ts';
import { RunMarkReader } from '../../../src/sync/push/run-preamble.ts';
import { Rules } from '../../../src/sync/rules/rules.ts';
import { scan } from '../../../src/sync/scan/scan.ts';
import { RandomEdits } from './model-edits.ts';
import { engineFor, inSandbox, remoteTree, type Sandboxes } from './sandboxes.ts';
import { pick, random, temporaryFolder } from './temporary.ts';

/** A sandbox, and the paths that exist only in it, because programs created them or because rules exclude them now. */
interface Place {
  readonly sandbox: Sandbox;
  readonly own: Set<string>;
}

/** A folder and its sandboxes. Takes random steps and checks each push. */
export class World {
  readonly #next: () => number;
  readonly #sandboxes: Sandboxes;
  readonly #root = temporaryFolder();
  #storageDir = join(temporaryFolder(), 'storage');
  #engine: SyncEngine;
  #place: Place;
  readonly #snapshots: Place[] = [];
  readonly #edits: RandomEdits;
  #needsWhole = true;
  #number = 0;
  readonly log: string[] = [];

  static async create(seed: number, sandboxes: Sandboxes): Promise<World> {
    return new World(seed, sandboxes, await sandboxes.create());
  }

  private constructor(seed: number, sandboxes: Sandboxes, sandbox: Sandbox) {
    this.#next = random(seed);
    this.#sandboxes = sandboxes;
    this.#place = { sandbox, own: new Set() };
    this.#edits = new RandomEdits(this.#root, this.#next);
    execFileSync('git', ['init', '-q', this.#root]);
    this.#engine = this.#newEngine();
  }

  #newEngine(): SyncEngine {
    return engineFor(this.#root, { storageDir: this.#storageDir });
  }

  async end(): Promise<void> {
    await this.#engine.dispose();
    for (const { sandbox } of [this.#place, ...this.#snapshots]) await sandbox.terminate();
  }

  get #sandbox(): Sandbox {
    return this.#place.sandbox;
  }

  async step(): Promise<void> {
    for (let edits = Math.floor(this.#next() * 6); edits > 0; edits -= 1) this.log.push(this.#edits.make());
    const sort = this.#next();
    if (sort < 0.07) await this.#programChanges();
    else if (sort < 0.1) await this.#pull();
    else if (sort < 0.14) await this.#restart();
    else if (sort < 0.18) await this.#snapshotOrRestore();
    else if (sort < 0.22) await this.#otherWindow();
    else if (sort < 0.34) await this.#failingPush();
    else if (sort < 0.4) await this.#canceledPush();
    else if (sort < 0.6) await this.#run();
    else if (sort < 0.7 && !this.#needsWhole && !this.#edits.changedRules) await this.#livePush();
    else await this.#push();
  }

  async #push(): Promise<void> {
    this.log.push('push');
    this.#took((await this.#engine.push(this.#sandbox)).released);
    await this.#check();
  }

  async #livePush(): Promise<void> {
    const paths = [...this.#edits.touched];
    const expectMore = this.#next() < 0.7;
    this.log.push(`live push ${expectMore ? 'that expects more ' : ''}${paths.join(', ')}`);
    this.#took((await this.#engine.push(this.#sandbox, { paths, expectMore })).released);
    await this.#check();
  }

  #took(released: readonly string[]): void {
    for (const path of released) this.#place.own.add(path);
  }

  /** Records the paths that a failed push released because rules exclude them now. */
  async #noteReleased(): Promise<void> {
    const remote = (await remoteTree(this.#sandbox)).map(pathOf);
    for (const { included, asked } of (await this.#engine.explain(remote)).map((rule, at) => ({
      ...rule,
      asked: remote[at] as string,
    })))
      if (!included) this.#place.own.add(asked);
  }

  async #run(): Promise<void> {
    this.log.push('run');
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const prepared = await this.#engine.prepareRun(this.#sandbox);
      const process = await this.#sandbox.exec(['sh', '-c', `${prepared.script}\necho started`], { mode: 'binary' });
      const mark = new RunMarkReader();
      for await (const chunk of process.stdout as AsyncIterable<Uint8Array>) mark.feed(chunk);
      mark.end();
      const synced = await prepared.settle(mark.outcome ?? { kind: 'unknown' });
      if (synced) this.#took(synced.released);
      else await this.#noteReleased();
      if (synced) return this.#check();
    }
    throw new Error('the run never started');
  }

  async #failingPush(): Promise<void> {
    const method = pick(this.#next, ['TaskExecStart', 'TaskExecStdinWriteStream', 'TaskExecStdioRead']);
    const when = pick(this.#next, ['before', 'after'] as const);
    this.log.push(`failing push: ${method} ${when}`);
    const { control } = this.#sandboxes.server;
    if (this.#next() < 0.5) await control.addFault({ method, code: 9, when, times: 1 });
    else
      await control.addFault({
        method: 'TaskExecStdinWriteStream',
        times: 1,
        cutAfterBytes: Math.floor(this.#next() * 5000),
      });
    try {
      this.#took((await this.#engine.push(this.#sandbox)).released);
    } catch (error) {
      this.log.push(`failed: ${error}`);
      await control.clearFaults();
      await this.#noteReleased();
      this.#needsWhole = true;
      return;
    }
    await control.clearFaults();
    await this.#check();
  }

  async #canceledPush(): Promise<void> {
    this.log.push('canceled push');
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(), this.#next() * 60);
    try {
      this.#took((await this.#engine.push(this.#sandbox, { signal: cancel.signal })).released);
    } catch {
      await this.#noteReleased();
      this.#needsWhole = true;
      return;
    }
    await this.#check();
  }

  async #programChanges(): Promise<void> {
    this.#number += 1;
    const name = `own-${this.#number}`;
    const held = (await remoteTree(this.#sandbox).catch(() => [])).filter((line) => line.startsWith('file'));
    const victim =
      held.length > 0
        ? pick(this.#next, held)
            .replace(/^file . \.\//, '')
            .replace(/ [0-9a-f]{64} {2}-$/, '')
        : '';
    this.log.push(`program changes ${victim}, creates ${name}`);
    this.#place.own.add(name);
    const change = pick(this.#next, [
      'echo more >> "$p"',
      'rm -f "$p"',
      'chmod +x "$p"',
      'rm -rf "$(dirname "$p")/own-folder"',
    ]);
    await inSandbox(this.#sandbox, `p='${victim}'; [ -z "$p" ] || { ${change}; }; echo own > ${name}`).catch(() => '');
    await this.#engine.remoteChanges(this.#sandbox);
    // A push of some paths doesn't fix others.
    this.#needsWhole = true;
  }

  /** Pulls some of the files that programs changed and created. */
  async #pull(): Promise<void> {
    const { modified, created } = await this.#engine.remoteChanges(this.#sandbox);
    const paths = [...modified, ...created].filter(() => this.#next() < 0.5);
    this.log.push(`pull ${paths.join(', ')}`);
    if (paths.length > 0) await this.#engine.pull(this.#sandbox, { paths });
    this.#needsWhole = true;
  }

  async #restart(): Promise<void> {
    const lost = this.#next() < 0.5;
    this.log.push(lost ? 'restart without index' : 'restart');
    await this.#engine.dispose();
    if (lost) this.#storageDir = join(temporaryFolder(), 'storage');
    this.#engine = this.#newEngine();
    this.#needsWhole = true;
  }

  async #snapshotOrRestore(): Promise<void> {
    if (this.#snapshots.length === 0 || this.#next() < 0.5) {
      this.log.push('snapshot');
      const sandbox = await this.#sandboxes.restore(this.#sandbox);
      this.#snapshots.push({ sandbox, own: new Set(this.#place.own) });
      return;
    }
    this.log.push('restore');
    await this.#sandbox.terminate();
    const at = Math.floor(this.#next() * this.#snapshots.length);
    this.#place = this.#snapshots.splice(at, 1)[0] as Place;
    this.#needsWhole = true;
  }

  async #otherWindow(): Promise<void> {
    this.log.push('push of another window');
    const other = engineFor(this.#root);
    this.#took((await other.push(this.#sandbox)).released);
    await other.dispose();
    this.#needsWhole = true;
  }

  /** Checks that the sandbox holds exactly what Git would list, apart from paths that exist only in the sandbox. */
  async #check(): Promise<void> {
    this.#edits.touched.clear();
    this.#edits.changedRules = false;
    this.#needsWhole = false;
    const expected = this.#expected();
    const remote = await remoteTree(this.#sandbox);
    const found = new Set(remote);
    // A path that is synced again is deleted when the local one is.
    for (const line of expected) if (!line.startsWith('folder')) this.#place.own.delete(pathOf(line));
    for (const line of expected) assert.ok(found.has(line), `missing: ${line}\n${remote.join('\n')}`);
    for (const line of remote) {
      if (expected.has(line) || line.startsWith('folder')) continue;
      const path = pathOf(line);
      const isOwn =
        MOVED_ASIDE.test(path) || [...this.#place.own].some((own) => path === own || path.startsWith(`${own}/`));
      assert.ok(isOwn, `left over: ${line}`);
    }
  }

  #expected(): Set<string> {
    const { stdout } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: this.#root,
      encoding: 'utf8',
    });
    const lines = new Set<string>();
    for (const path of stdout.split('\0').slice(0, -1)) {
      const stat = lstatSync(join(this.#root, path));
      if (stat.isSymbolicLink()) lines.add(`link ./${path} ${readlinkSync(join(this.#root, path))}`);
      else {
        const hash = createHash('sha256')
          .update(readFileSync(join(this.#root, path)))
          .digest('hex');
        lines.add(`file ${stat.mode & 0o100 ? 'x' : '-'} ./${path} ${hash}  -`);
      }
    }
    // Git doesn't list empty folders.
    for (const { kind, path } of scan(new Rules(this.#root)).entries)
      if (kind === 'folder') lines.add(`folder ./${path}`);
    return lines;
  }
}

/** What was in the way of a file or folder of the workspace. */
const MOVED_ASIDE = /\.sandbox(-\d+)?(\/|$)/;

/** Returns the path in a line of `remoteTree`. */
function pathOf(line: string): string {
  if (line.startsWith('folder')) return line.slice('folder ./'.length);
  if (line.startsWith('link')) return line.slice('link ./'.length, line.lastIndexOf(' '));
  return line.slice('file x ./'.length, -'  -'.length - 65);
}
