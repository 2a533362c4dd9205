import assert from 'node:assert/strict';
import { chmodSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SyncConsent } from '../../../src/sync/push/consent.ts';
import { type SyncQuestion, SyncStopped } from '../../../src/sync/push/questions.ts';
import { requireSyncableRoot } from '../../../src/sync/scan/syncable-root.ts';
import { strings } from '../../../src/sync/strings.ts';
import { Core } from '../../../src/sync/worker/core.ts';
import { engineFor, inSandbox } from './sandboxes.ts';
import { ending, engine, root, sandbox, sandboxes, storageDir, withEach } from './setup.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

describe('SyncEngine.push with questions', () => {
  let asked: SyncQuestion[];
  let answer: boolean;

  const ask = (question: SyncQuestion) => {
    asked.push(question);
    return answer;
  };
  withEach(
    () => {
      asked = [];
      answer = true;
    },
    () => ({ ask }),
  );

  it('asks once before the first sync of a folder, with a summary', async () => {
    writeTree(root, { 'a/x': 'xx', 'a/y': 'y', 'b/z': 'z', '.env': '', '.gitignore': '*.log\n', 'q.log': '' });
    answer = false;
    await assert.rejects(
      engine.push(sandbox),
      (error) => error instanceof SyncStopped && error.question.kind === 'first-sync',
    );
    const [question] = asked;
    assert.ok(question?.kind === 'first-sync');
    const { puts, putBytes, folders, credentials, excluded } = question.plan;
    assert.deepEqual(
      [puts, putBytes, folders[0], folders[1], credentials],
      [4, 10, { path: '', files: 1, bytes: 6 }, { path: 'a', files: 2, bytes: 3 }, ['.env']],
    );
    assert.deepEqual(
      excluded.map(({ rule, count }) => [rule.kind, rule.text, count]),
      [
        ['credential', '.env*', 1],
        ['git', '*.log', 1],
      ],
    );
    assert.equal(await inSandbox(sandbox, 'ls -A', '/tmp'), '');
    answer = true;
    await engine.push(sandbox);
    await engine.dispose();
    const again = ending(engineFor(root, { storageDir, ask }));
    await again.push(ending(await sandboxes.create()), { fresh: true });
    assert.equal(asked.length, 3, 'nothing remembers the answer');
  });

  it("remembers only a person's yes, for one account, and asks none if the files stay on this computer", async () => {
    writeTree(root, { a: 'a' });
    const [first, second, local] = [consentFor(), consentFor(), consentFor({ isLocal: true })];
    await engine.push(sandbox, { consent: local });
    assert.deepEqual([asked.length, local.approved], [0, undefined]);
    const push = async (consent: SyncConsent) =>
      engine.push(ending(await sandboxes.create()), { fresh: true, consent });
    await push(first);
    await push(first);
    assert.deepEqual([asked.length, first.approved], [1, 1]);
    await push(second);
    assert.equal(asked.length, 2);
  });

  it("names all credentials that will be sent before the first sync, and remembers those that the folder's own rules name", async () => {
    writeTree(root, { '.modalignore': '!.env\n!mine.pem', '.env': '1', 'mine.pem': '2', 'other.pem': '3' });
    const own = ending(engineFor(root, { storageDir, ask, rules: { userInclude: ['mine.pem'] } }));
    const consent = consentFor();
    const { credentials } = await own.push(sandbox, { consent });
    assert.deepEqual(
      asked.map((question) => question.kind === 'first-sync' && question.credentials),
      [['.env', 'mine.pem']],
    );
    assert.deepEqual(credentials, ['other.pem']);
    assert.deepEqual([...consent.answers], [['.env', true]]);
    assert.equal(await inSandbox(sandbox, 'ls -A *.pem .env'), '.env\nmine.pem\n');
  });

  it('names each credential that the rules of a folder include, however many there are', async () => {
    const names = Array.from({ length: 30 }, (_, at) => `${at + 10}.pem`);
    writeTree(root, { '.modalignore': '!*.pem', ...Object.fromEntries(names.map((name) => [name, name])) });
    const consent = consentFor();
    const { credentials } = await ending(
      engineFor(root, {
        storageDir,
        ask: (question) => {
          asked.push(question);
          return !(question.kind === 'credentials' && question.paths.includes('39.pem'));
        },
      }),
    ).push(sandbox, { consent });
    assert.deepEqual(
      asked.map((question) => ('paths' in question ? question.paths.length : question.kind)),
      ['first-sync', 12, 12, 6],
    );
    assert.deepEqual(asked.flatMap((question) => ('paths' in question ? question.paths : [])).sort(), names);
    assert.deepEqual([...credentials].sort(), names.slice(24));
    assert.equal(await inSandbox(sandbox, 'ls *.pem | wc -l'), '24\n');
  });

  it("asks by name before it sends a credential that the folder's own rules include later, and syncs the rest", async () => {
    writeTree(root, { a: 'a' });
    const consent = consentFor({ isLocal: true });
    await engine.push(sandbox, { consent });
    writeTree(root, { b: 'b', '.modalignore': '!*.pem', 'x.pem': '1', '.aws/credentials': '' });
    answer = false;
    const { credentials } = await engine.push(sandbox, { consent });
    assert.deepEqual(asked, [{ kind: 'credentials', paths: ['x.pem'] }]);
    assert.deepEqual(credentials, ['.aws', 'x.pem']);
    await engine.push(sandbox, { consent });
    assert.equal(asked.length, 1, 'the no is remembered');
    assert.equal(await inSandbox(sandbox, 'ls'), 'a\nb\n');
    consent.answers.set('x.pem', true);
    await engine.push(sandbox, { consent });
    assert.equal(await inSandbox(sandbox, 'ls'), 'a\nb\nx.pem\n');
  });

  it('sends no credential for which no one was asked, and remembers no answer', async () => {
    writeTree(root, { a: 'a', '.modalignore': '!x.pem', 'x.pem': '1' });
    const silent = ending(engineFor(root, { storageDir, ask: undefined as never }));
    const consent = consentFor({ isLocal: true });
    const { credentials } = await silent.push(sandbox, { consent });
    assert.deepEqual([credentials, consent.answers.size], [['x.pem'], 0]);
    assert.equal(await inSandbox(sandbox, 'ls'), 'a\n');
  });

  it('asks before it deletes a large share of the files', async () => {
    writeTree(root, Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`f${at}`, 'x'])));
    await engine.push(sandbox);
    for (let at = 0; at < 30; at += 1) rmSync(join(root, `f${at}`));
    answer = false;
    await assert.rejects(engine.push(sandbox), { message: strings.deletionDeclined(30, 60) });
    assert.equal(await inSandbox(sandbox, 'ls | wc -l'), '60\n');
    answer = true;
    assert.equal((await engine.push(sandbox)).deleted, 30);
  });

  it("doesn't ask about a few deletions", async () => {
    writeTree(root, Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`f${at}`, 'x'])));
    await engine.push(sandbox);
    for (let at = 0; at < 20; at += 1) rmSync(join(root, `f${at}`));
    await engine.push(sandbox);
    assert.equal(asked.length, 1);
  });

  it('asks before it sends a file over a gigabyte', async () => {
    writeTree(root, { a: 'a' });
    await engine.push(sandbox);
    writeFileSync(join(root, 'huge'), '');
    truncateSync(join(root, 'huge'), 9_000_000_000);
    answer = false;
    await assert.rejects(engine.push(sandbox), { message: strings.largeFileDeclined('huge') });
    assert.deepEqual(
      asked.slice(1).map(({ kind }) => kind),
      ['huge-file'],
    );
  });

  it('asks before a later sync sends a lot, and sends nothing without a yes', async () => {
    writeTree(root, { a: 'a' });
    await engine.push(sandbox);
    writeFileSync(join(root, 'much'), '');
    truncateSync(join(root, 'much'), 300_000_000);
    answer = false;
    await assert.rejects(engine.push(sandbox), SyncStopped);
    const [, question] = asked;
    assert.ok(question?.kind === 'huge-sync');
    assert.deepEqual([question.files, question.bytes], [1, 300_000_000]);
    assert.equal(await inSandbox(sandbox, 'ls /workspace'), 'a\n');
  });

  it('stops at a question if there is no one to ask', async () => {
    const silent = ending(engineFor(root, { ask: undefined as never }));
    writeTree(root, { a: 'a' });
    await assert.rejects(silent.push(sandbox), SyncStopped);
  });

  it("stops if the folder doesn't exist, and deletes nothing", async () => {
    writeTree(root, { a: 'a' });
    await engine.push(sandbox);
    renameSync(root, `${root}-away`);
    await assert.rejects(engine.push(sandbox), { message: strings.folderMissing(root) });
    renameSync(`${root}-away`, root);
    assert.equal(await inSandbox(sandbox, 'cat a'), 'a');
  });

  it('asks before it deletes all files because the folder was emptied', async () => {
    writeTree(root, Object.fromEntries(Array.from({ length: 25 }, (_, at) => [`f${at}`, 'x'])));
    await engine.push(sandbox);
    for (let at = 0; at < 25; at += 1) rmSync(join(root, `f${at}`));
    answer = false;
    await assert.rejects(engine.push(sandbox), { message: strings.deletionDeclined(25, 25) });
    assert.equal(await inSandbox(sandbox, 'ls | wc -l'), '25\n');
  });
});

/** A consent in memory. */
function consentFor({ isLocal = false } = {}) {
  const consent = {
    isLocal,
    approved: undefined as number | undefined,
    answers: new Map<string, boolean>(),
    approvedBytes: async () => consent.approved,
    approve: async (bytes: number) => {
      consent.approved = bytes;
    },
    credentials: async () => consent.answers,
    answerCredentials: async (paths: readonly string[], isAllowed: boolean) => {
      for (const path of paths) consent.answers.set(path, isAllowed);
    },
  };
  return consent satisfies SyncConsent;
}

describe('requireSyncableRoot', () => {
  after(removeTemporary);

  it('refuses the root, a home folder, and folders above one', () => {
    for (const root of ['/', homedir(), dirname(homedir()), join(homedir(), '.')])
      assert.throws(() => requireSyncableRoot(root), { message: strings.rootTooBroad(root) });
    requireSyncableRoot(temporaryFolder());
  });
});

describe('Core with an unreadable folder', () => {
  after(removeTemporary);

  it('reports the folder, and keeps what the sandbox holds of it', () => {
    const root = writeTree(temporaryFolder(), { 'locked/a': 'a', 'locked/sub/b': 'b', c: 'c' });
    chmodSync(root, 0o755);
    const core = new Core({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} });
    core.prepare({ sandboxId: 's', fresh: true });
    const { next } = core.open('s');
    while (core.next('s', next, 'raw').bytes);
    core.commit('s');
    rmSync(join(root, 'c'));
    chmodSync(join(root, 'locked'), 0);
    const isSuperuser = process.geteuid?.() === 0;
    if (isSuperuser) process.seteuid?.(65534);
    try {
      const plan = core.prepare({ sandboxId: 's', fresh: false });
      assert.deepEqual(plan.deleteExamples, ['c']);
      assert.deepEqual(plan.skipped, [{ path: 'locked', reason: strings.cannotRead() }]);
    } finally {
      if (isSuperuser) process.seteuid?.(0);
      chmodSync(join(root, 'locked'), 0o755);
    }
  });
});
