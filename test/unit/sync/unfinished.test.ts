import assert from 'node:assert/strict';
import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { Core } from '../../../src/sync/worker/core.ts';
import { beforeLine, engineFor, localTree, remoteTree } from './sandboxes.ts';
import { ending, engine, root, sandbox, sandboxes, withEach } from './setup.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

/** Where the apply script is killed, by the first line of its Perl program that it doesn't reach. */
const ENDS = {
  'before it marks its start': 'sysopen my $g, "$state/gen"',
  'before it adds its manifest file': 'rename "$in/log"',
  'before it deletes files': 'for (@{$list{rm}})',
  'before it removes folders': 'rmdir $_ for',
  'before it moves files': 'for (@{$list{mv}})',
  'before it marks its end': 'generation($g, $next)',
  'before it replies': 'print "OK',
} as const;

/** Wraps a sandbox so that apply scripts are killed before a line. */
function killedBefore(sandbox: Sandbox, line: string): Sandbox {
  return beforeLine(sandbox, line, 'kill(9, getppid(), $$);');
}

describe('SyncEngine after an interrupted push', () => {
  withEach();

  /** Interrupts a push that deletes, adds, changes, and releases something before a line of the script. */
  async function endAt(line: string): Promise<void> {
    writeTree(root, { kept: 'k', same: 'old', 'c d/é': 'x', 'gone/deep': 'x', ignored: 'i', '.gitignore': '' });
    utimesSync(join(root, 'same'), 1e9, 1e9);
    await engine.push(sandbox);
    rmSync(join(root, 'c d/é'));
    rmSync(join(root, 'gone'), { recursive: true });
    writeTree(root, { same: 'new', 'added/deep': 'a', 'c d/other': 'o', '.gitignore': 'ignored\n' });
    // The old and the new file have the same size and time in the sandbox.
    utimesSync(join(root, 'same'), 1e9, 1e9);
    await assert.rejects(engine.push(killedBefore(sandbox, line)));
    writeTree(root, { '.gitignore': '' });
    rmSync(join(root, 'added'), { recursive: true });
  }

  async function assertEqual(): Promise<void> {
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  }

  for (const [when, line] of Object.entries(ENDS)) {
    it(`recovers with the next push when killed ${when}, and another window can delete the rest`, async () => {
      await endAt(line);
      await engine.push(sandbox);
      await assertEqual();
      for (const path of ['same', 'ignored', 'kept']) rmSync(join(root, path));
      await ending(engineFor(root)).push(sandbox);
      await assertEqual();
    });

    it(`recovers with a push of an unrelated path when killed ${when}`, async () => {
      await endAt(line);
      writeTree(root, { saved: 's' });
      await engine.push(sandbox, { paths: ['saved'] });
      await assertEqual();
    });

    it(`recovers with a push of another window when killed ${when}, and the first one can delete the rest`, async () => {
      await endAt(line);
      writeTree(root, { 'added/deep': 'again' });
      await ending(engineFor(root)).push(sandbox);
      await assertEqual();
      rmSync(join(root, 'added'), { recursive: true });
      rmSync(join(root, 'kept'));
      await engine.push(sandbox);
      await assertEqual();
    });
  }

  for (const [when, line] of Object.entries(ENDS))
    it(`recovers when killed ${when}, whatever kinds of entry a path had before, in, and after the push`, async () => {
      for (const [path, kinds] of paths()) make(path, kinds[0]);
      await engine.push(sandbox);
      for (const [path, kinds] of paths()) make(path, kinds[1]);
      await assert.rejects(engine.push(killedBefore(sandbox, line)));
      for (const [path, kinds] of paths()) make(path, kinds[2]);
      await engine.push(sandbox);
      await assertEqual();
      for (const [path] of paths()) make(path, 'nothing');
      await engine.push(sandbox);
      await assertEqual();
    });

  /** A path for each way from one kind to another and to a third. */
  function paths(): [string, readonly [string, string, string]][] {
    const kinds = ['nothing', 'file', 'link', 'empty', 'full'];
    return kinds.flatMap((one) =>
      kinds.flatMap((two) =>
        kinds.map((three): [string, [string, string, string]] => [`in ${one}/${two}-${three}`, [one, two, three]]),
      ),
    );
  }

  function make(path: string, kind: string): void {
    rmSync(join(root, path), { recursive: true, force: true });
    if (kind === 'file') writeTree(root, { [path]: 'x' });
    if (kind === 'link') writeTree(root, { [path]: { link: '../target' } });
    if (kind === 'empty') writeTree(root, { [path]: null });
    if (kind === 'full') writeTree(root, { [`${path}/x`]: 'x' });
  }

  it("doesn't report the interrupted push as a program's change", async () => {
    await endAt(ENDS['before it moves files']);
    const other = ending(engineFor(root));
    const { modified, deleted } = await other.remoteChanges(sandbox);
    assert.deepEqual([modified, deleted], [[], []]);
    assert.deepEqual((await other.push(sandbox)).replaced, []);
    await assertEqual();
  });

  it('continues the sequence of generations in another window', async () => {
    writeTree(root, { a: 'a', b: 'b' });
    await engine.push(sandbox);
    for (const text of ['1', '2', '3']) {
      writeTree(root, { a: text });
      await engine.push(sandbox);
    }
    rmSync(join(root, 'b'));
    await engine.push(sandbox);
    writeTree(root, { a: 'cut' });
    await assert.rejects(engine.push(killedBefore(sandbox, ENDS['before it moves files'])));
    writeTree(root, { b: 'back' });
    await ending(engineFor(root)).push(sandbox);
    rmSync(join(root, 'b'));
    await ending(engineFor(root)).push(sandbox);
    await assertEqual();
  });

  it('scans the whole folder in a push of some paths to a sandbox at another generation', async () => {
    writeTree(root, { a: 'a', b: 'b' });
    await engine.push(sandbox);
    const early = await sandboxes.restore(sandbox);
    rmSync(join(root, 'b'));
    await engine.push(sandbox);
    writeTree(root, { c: 'c' });
    await engine.push(early, { paths: ['c'] });
    assert.deepEqual(await remoteTree(early), localTree(root));
    await early.terminate();
  });
});

describe('Core with an open archive', () => {
  after(removeTemporary);

  function coreOf(tree: Record<string, string>): { core: Core; root: string } {
    const root = writeTree(temporaryFolder(), tree);
    return { core: new Core({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} }), root };
  }

  it('keeps the archive during a survey', () => {
    const { core, root } = coreOf({ a: 'a' });
    core.prepare({ sandboxId: 's', fresh: true });
    const { next } = core.open('s');
    writeTree(root, { b: 'b' });
    assert.equal(core.survey({ sandboxId: 's', fresh: true }).puts, 2);
    while (core.next('s', next, 'raw').bytes);
    assert.equal(core.commit('s').files, 1);
  });

  it('gives no pieces to the reader of an earlier archive', () => {
    const { core } = coreOf({ a: 'a' });
    core.prepare({ sandboxId: 's', fresh: true });
    const given = core.open('s');
    core.abandon('s');
    core.prepare({ sandboxId: 's', fresh: true });
    const { next } = core.open('s');
    assert.throws(() => core.next('s', given.next, 'raw'));
    assert.ok(core.next('s', next, 'raw').bytes);
  });
});
