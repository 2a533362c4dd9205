import assert from 'node:assert/strict';
import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { Core } from '../../../src/sync/worker/core.ts';
import { beforeLine, engineFor, localTree, remoteTree } from './sandboxes.ts';
import { ending, engine, root, sandbox, sandboxes, withEach } from './setup.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

/** Where the apply script ends, by the first line that it does not come to any more. */
const ENDS = {
  'before it says that it began': "printf 'dirty",
  'before its manifest is there': 'mv -f "$in/log"',
  'before it deletes': '[ ! -f "$in/rm" ] || xargs -0 rm',
  'before it empties folders': '[ ! -f "$in/rd" ]',
  'before it moves files into place': '[ ! -f "$in/mv" ]',
  'before it says that it ended': `printf '%s\\n' "$next" > $s/gen`,
  'before it answers': 'tools=;',
} as const;

/** The sandbox, but that processes taking in a push are killed before a line of the script. */
function killedBefore(sandbox: Sandbox, line: string): Sandbox {
  return beforeLine(sandbox, line, 'kill -9 $$');
}

describe('A push that ends in the middle of the sandbox’s work', () => {
  withEach();

  /** The sandbox holds a tree; a push that deletes, adds, changes and lets go of something ends at a line. */
  async function endAt(line: string): Promise<void> {
    writeTree(root, { kept: 'k', same: 'old', 'c d/é': 'x', 'gone/deep': 'x', ignored: 'i', '.gitignore': '' });
    utimesSync(join(root, 'same'), 1e9, 1e9);
    await engine.push(sandbox);
    rmSync(join(root, 'c d/é'));
    rmSync(join(root, 'gone'), { recursive: true });
    writeTree(root, { same: 'new', 'added/deep': 'a', 'c d/other': 'o', '.gitignore': 'ignored\n' });
    // Neither its size nor its time tells the sandbox's old file from the new one.
    utimesSync(join(root, 'same'), 1e9, 1e9);
    await assert.rejects(engine.push(killedBefore(sandbox, line)));
    writeTree(root, { '.gitignore': '' });
    rmSync(join(root, 'added'), { recursive: true });
  }

  async function assertEqual(): Promise<void> {
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  }

  for (const [when, line] of Object.entries(ENDS)) {
    it(`${when} is made good by the next push, and another window deletes what that one left`, async () => {
      await endAt(line);
      await engine.push(sandbox);
      await assertEqual();
      for (const path of ['same', 'ignored', 'kept']) rmSync(join(root, path));
      await ending(engineFor(root)).push(sandbox);
      await assertEqual();
    });

    it(`${when} is made good by a push of a path that has nothing to do with it`, async () => {
      await endAt(line);
      writeTree(root, { saved: 's' });
      await engine.push(sandbox, { paths: ['saved'] });
      await assertEqual();
    });

    it(`${when} is made good by another window, and what that one sent is deleted by the first one`, async () => {
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
    it(`${when} leaves nothing behind of what kind a path was before, was to be, or is by now`, async () => {
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

  it('is no program’s change, so that nobody is asked whether to keep it', async () => {
    await endAt(ENDS['before it moves files into place']);
    const other = ending(engineFor(root));
    const { modified, deleted } = await other.remoteChanges(sandbox);
    assert.deepEqual([modified, deleted], [[], []]);
    assert.deepEqual((await other.push(sandbox)).replaced, []);
    await assertEqual();
  });

  it('leaves numbers behind that another window’s pushes go on from', async () => {
    writeTree(root, { a: 'a', b: 'b' });
    await engine.push(sandbox);
    for (const text of ['1', '2', '3']) {
      writeTree(root, { a: text });
      await engine.push(sandbox);
    }
    rmSync(join(root, 'b'));
    await engine.push(sandbox);
    writeTree(root, { a: 'cut' });
    await assert.rejects(engine.push(killedBefore(sandbox, ENDS['before it moves files into place'])));
    writeTree(root, { b: 'back' });
    await ending(engineFor(root)).push(sandbox);
    rmSync(join(root, 'b'));
    await ending(engineFor(root)).push(sandbox);
    await assertEqual();
  });

  it('at another generation has a push of some paths look at all of them', async () => {
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

describe('An archive that is being sent', () => {
  after(removeTemporary);

  function coreOf(tree: Record<string, string>): { core: Core; root: string } {
    const root = writeTree(temporaryFolder(), tree);
    return { core: new Core({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} }), root };
  }

  it('is not disturbed by a look at what there is to send', () => {
    const { core, root } = coreOf({ a: 'a' });
    core.prepare({ sandboxId: 's', fresh: true });
    const { next } = core.open('s');
    writeTree(root, { b: 'b' });
    assert.equal(core.survey({ sandboxId: 's', fresh: true }).puts, 2);
    while (core.next('s', next, 'raw').bytes);
    assert.equal(core.commit('s').files, 1);
  });

  it('gives no piece to the reader of the one before it', () => {
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
