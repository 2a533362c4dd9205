import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Sandbox } from 'modal';
import { quote } from '../../../src/base/shell.ts';
import { LiveSync } from '../../../src/sync/push/live.ts';
import { WarmReceiver } from '../../../src/sync/push/warm-receiver.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { engineFor, inSandbox, localTree, remoteTree } from './sandboxes.ts';
import { ending, engine, root, sandbox, sandboxes, withEach } from './setup.ts';
import { type TreeSpec, writeTree } from './temporary.ts';

describe('LiveSync', () => {
  withEach();

  it('makes one push from a burst, and one from changes during that push', async () => {
    const pushes: (readonly string[] | undefined)[] = [];
    const { promise: later, resolve: goOn } = Promise.withResolvers<void>();
    const live = new LiveSync({
      push: async (paths) => {
        pushes.push(paths);
        await later;
      },
      quietMs: 20,
    });
    for (let at = 0; at < 200; at += 1) live.changed(`f${at}`);
    await waitFor(
      'a push',
      5_000,
      async () => pushes.length,
      (count) => count > 0,
    );
    for (let at = 0; at < 200; at += 1) live.changed(`f${at}`);
    goOn();
    await live.flush();
    assert.deepEqual(
      pushes.map((paths) => paths?.length),
      [200, 200],
    );
    live.dispose();
  });

  it('scans everything after too many events, a lost event, or a changed rule', async () => {
    const pushes: (readonly string[] | undefined)[] = [];
    const live = new LiveSync({ push: async (paths) => void pushes.push(paths) });
    for (let at = 0; at < 3000; at += 1) live.changed(`f${at}`);
    await live.flush();
    live.changed('sub/.gitignore');
    await live.flush();
    live.lost();
    await live.flush();
    assert.deepEqual(pushes, [undefined, undefined, undefined]);
    live.dispose();
  });

  it('pushes edits, new folders, deletions, and renames by the paths of events', async () => {
    writeTree(root, { 'a.txt': 'a', 'b/c.txt': 'c', 'b/d/e.txt': 'e', 'x/y/z': 'z' });
    await engine.push(sandbox);
    const live = new LiveSync({ push: async (paths) => void (await engine.push(sandbox, { paths })) });
    writeTree(root, { 'a.txt': 'changed', 'new/deep/f.txt': 'f', 'b/g.txt': 'g' });
    rmSync(join(root, 'b/d'), { recursive: true });
    rmSync(join(root, 'x/y/z'));
    for (const path of ['a.txt', 'new', 'b/g.txt', 'b/d', 'x/y/z']) live.changed(path);
    await live.flush();
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
    writeTree(root, { 'x/y/again': '1' });
    rmSync(join(root, 'new'), { recursive: true });
    for (const path of ['x/y/again', 'new/deep/f.txt', 'new/deep', 'new']) live.changed(path);
    await live.flush();
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
    live.dispose();
  });

  it('holds back files over the size limit until a push without a limit', async () => {
    writeTree(root, { a: 'a', 'big.bin': 'small' });
    await engine.push(sandbox);
    writeTree(root, { a: 'b', 'big.bin': Buffer.alloc(60_000_000) });
    const { files, heldBack } = await engine.push(sandbox, { paths: ['a', 'big.bin'], maxFileBytes: 50_000_000 });
    assert.deepEqual([files, heldBack], [1, [{ path: 'big.bin', bytes: 60_000_000 }]]);
    assert.equal(await inSandbox(sandbox, 'cat a big.bin'), 'bsmall');
    const { large } = await engine.push(sandbox);
    assert.deepEqual(large, heldBack);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  describe('a push that expects more', () => {
    const push = (paths: string[]) => engine.push(sandbox, { paths, expectMore: true });
    const callsOf = async (work: () => Promise<unknown>) => {
      await sandboxes.server.control.resetCalls();
      await work();
      return sandboxes.server.control.calls();
    };

    beforeEach(async () => {
      writeTree(root, { a: 'a', 'b/c': 'c' });
      await engine.push(sandbox);
    });

    it('lets watchers of all kinds see each save, whether the file grows or shrinks', async () => {
      // The way of uvicorn (poll), vite and nodemon (chokidar), watchfiles (folder), and tsx (inode).
      const watcher = `
        import { readFileSync, watch, watchFile } from 'node:fs';
        import { watch as watchPaths } from 'chokidar';
        const say = (way) => console.log(way, readFileSync('served.mjs', 'utf8').match(/'(.*)'/)?.[1]);
        watchFile('served.mjs', { interval: 50 }, () => say('poll'));
        const ready = [['chokidar', 'served.mjs'], ['chokidar-folder', '.']].map(([way, path]) =>
          new Promise((resolve) => watchPaths(path).on('change', () => say(way)).on('ready', resolve)));
        watch('.', (_, name) => name === 'served.mjs' && say('folder'));
        watch('served.mjs', () => say('inode'));
        await Promise.all(ready);
        say('watches');`;
      const { outputFiles } = await build({
        ...{ stdin: { contents: watcher, resolveDir: import.meta.dirname }, bundle: true, write: false },
        ...{ platform: 'node', format: 'esm' },
      });
      writeTree(root, { 'watch.mjs': Buffer.from(outputFiles[0]?.contents ?? []) });
      const ways = ['poll', 'chokidar', 'chokidar-folder', 'folder', 'inode'];
      const save = (text: string) =>
        writeTree(root, { 'served.mjs': `console.log('${text}'); setInterval(() => {}, 1e6);\n` });
      save('start');
      await push(['served.mjs', 'watch.mjs']);
      const process = await sandbox.exec(['sh', '-c', 'node watch.mjs & exec node --watch served.mjs 2>&1'], {
        workdir: engine.remoteRoot,
      });
      let output = '\n';
      const reading = (async () => {
        for await (const text of process.stdout as AsyncIterable<string>) output += text;
      })();
      const isPrinted = (text: string) =>
        waitFor(
          text,
          20_000,
          async () => output,
          (all) => all.includes(text),
        );
      await isPrinted('\nstart\n');
      await isPrinted('watches start\n');
      for (const text of ['a much longer second text', 'third', 'fourth', 'fifth!']) {
        save(text);
        await push(['served.mjs']);
        await isPrinted(`\n${text}\n`);
        for (const way of ways) await isPrinted(`${way} ${text}\n`);
      }
      await sandbox.terminate();
      await reading.catch(() => {});
    });

    it('gives two saves in one second different times, whatever time it is in the sandbox', async () => {
      const times = [];
      for (const [text, seconds] of Object.entries({ first: 1000.1, second: 1000.2, third: 1000.3, fourth: 1001 })) {
        writeTree(root, { a: text });
        utimesSync(join(root, 'a'), seconds, seconds);
        await push(['a']);
        times.push(Number(await inSandbox(sandbox, "date -r a '+%s.%N'")));
      }
      assert.deepEqual(times.map(Math.floor), [1000, 1000, 1000, 1001]);
      assert.deepEqual(
        times,
        [...new Set(times)].sort((one, other) => one - other),
      );
    });

    it("writes small files in place, but replaces large ones, shells' scripts, and what changes its kind or mode", async () => {
      const inPlace = [
        'grows.py',
        'shrinks.css',
        'same size',
        'empties.txt',
        'fills.txt',
        'node-tool',
        'sub/a\nb',
        'py-tool',
        '-n',
        "it's $(x).css",
        'limit',
      ];
      const large = Buffer.alloc(65_537, 'x');
      const replaced = [
        'shrinks.bin',
        'grows.bin',
        'run.sh',
        'run.bash',
        'bash-tool',
        'zsh-tool',
        'mode',
        'link',
        'a.fish',
        'env-tool',
      ];
      const first = [
        'x',
        'long text',
        'ab\n',
        'x',
        '',
        '#!/usr/bin/env node\n1',
        'x',
        '#!/usr/bin/python3\n',
        'x',
        'long',
        'x',
      ];
      const second = [
        'long text',
        'x',
        'cd\n',
        '',
        'x',
        '#!/usr/bin/env node\n2',
        '\0y',
        '#!/usr/bin/python3 -u\n',
        'yy',
        'y',
        large.subarray(1),
      ];
      const firstReplaced = [
        large,
        'x',
        'exit 1',
        'exit 1',
        '#!/bin/bash -e\n',
        '#!/usr/bin/env zsh\n',
        'x',
        { link: 'a' },
        'echo 1',
        '#!/usr/bin/env -S bash -e\n1',
      ];
      const secondReplaced = [
        'x',
        large,
        'exit 2',
        'exit 2',
        '#!/bin/bash\n',
        '#!/bin/zsh\n',
        'y',
        'y',
        'echo 2',
        '#!/usr/bin/env -S bash -e\n2',
      ];
      const treeOf = (...parts: readonly (readonly [readonly string[], readonly TreeSpec[string][]])[]) =>
        Object.fromEntries(
          parts.flatMap(([names, contents]) => names.map((name, at) => [name, contents[at] as string])),
        );
      const inodes = async () =>
        (await inSandbox(sandbox, 'stat -c %i -- "$@"'.replace('"$@"', [...inPlace, ...replaced].map(quote).join(' '))))
          .trim()
          .split('\n');
      writeTree(root, treeOf([inPlace, first], [replaced, firstReplaced]));
      await push([...inPlace, ...replaced]);
      const before = await inodes();
      rmSync(join(root, 'link'));
      writeTree(root, treeOf([inPlace, second], [replaced, secondReplaced]));
      chmodSync(join(root, 'mode'), 0o755);
      await push([...inPlace, ...replaced]);
      assert.deepEqual(await remoteTree(sandbox), localTree(root));
      const after = await inodes();
      const kept = [...inPlace, ...replaced].filter((_, at) => before[at] === after[at]);
      assert.deepEqual(kept, inPlace);
    });

    it('takes one request for each small change after the first, and none without changes', async () => {
      writeTree(root, { a: 'first' });
      await push(['a']);
      for (const text of ['second', 'third', 'x'.repeat(20_000), 'fourth']) {
        writeTree(root, { a: text, 'b/new': text });
        rmSync(join(root, 'b/c'), { force: true });
        const calls = await callsOf(() => push(['a', 'b/new', 'b/c']));
        assert.deepEqual(calls, { TaskExecStdinWrite: 1 });
        assert.deepEqual(await remoteTree(sandbox), localTree(root));
      }
      assert.deepEqual(await callsOf(() => push(['a'])), {});
    });

    it('sends a large change as a stream, and later small ones to the kept process', async () => {
      for (const content of ['small', randomBytes(2_000_000), 'small again', randomBytes(200_000)]) {
        writeTree(root, { a: content });
        await push(['a']);
        assert.deepEqual(await remoteTree(sandbox), localTree(root));
      }
    });

    it('recovers from a push of another window, a killed process, and a lost connection', async () => {
      writeTree(root, { a: 'first' });
      await push(['a']);
      const disturbances = [
        () => ending(engineFor(root)).push(sandbox),
        () => inSandbox(sandbox, 'kill $(pgrep -f modal-receive | grep -v $$)'),
        () => sandboxes.server.control.addFault({ method: 'TaskExecStdinWrite', code: 9, times: 1 }),
      ];
      for (const [at, disturb] of disturbances.entries()) {
        writeTree(root, { 'b/c': `${at}` });
        await disturb();
        writeTree(root, { a: `${at}` });
        await push(['a', 'b/c']);
        assert.deepEqual(await remoteTree(sandbox), localTree(root), `${at}`);
        writeTree(root, { a: `${at} more` });
        await push(['a']);
        assert.deepEqual(await remoteTree(sandbox), localTree(root), `${at} more`);
      }
    });

    it('sends a push as a stream if the image lacks what the kept process needs, which is tried only once', async () => {
      let tried = 0;
      const exec = (argv: string[], options: object) => {
        const isReceiver = argv.includes('modal-receive');
        if (isReceiver) tried += 1;
        return sandbox.exec(isReceiver ? ['false'] : argv, options);
      };
      const lacking = { sandboxId: sandbox.sandboxId, exec } as unknown as Sandbox;
      for (const text of ['first', 'second', 'third']) {
        writeTree(root, { a: text });
        await engine.push(lacking, { paths: ['a'], expectMore: true });
        assert.deepEqual(await remoteTree(sandbox), localTree(root));
      }
      assert.equal(tried, 1);
    });

    it('stops immediately when canceled, and recovers with the next push', async () => {
      writeTree(root, { a: 'first' });
      await push(['a']);
      writeTree(root, { a: 'second' });
      const cancel = new AbortController();
      await sandboxes.server.control.resetCalls();
      await sandboxes.server.control.addFault({ method: 'TaskExecStdinWrite', times: 1, delayMs: 3000 });
      const pushing = engine.push(sandbox, { paths: ['a'], expectMore: true, signal: cancel.signal });
      await waitFor(
        'the call',
        5_000,
        () => sandboxes.server.control.calls(),
        (calls) => 'TaskExecStdinWrite' in calls,
      );
      cancel.abort();
      await assert.rejects(pushing, { name: 'AbortError' });
      rmSync(join(root, 'b'), { recursive: true });
      await push(['a']);
      assert.deepEqual(await remoteTree(sandbox), localTree(root));
    });

    it('leaves no process in the sandbox after an idle time, or after the engine was disposed', async () => {
      const receiver = await WarmReceiver.start(sandbox, '/workspace', 50);
      assert.equal((await receiver.apply(['next', '0', 'other'], Buffer.from('raw\n'))).kind, 'drift');
      await receiver.ended;
      assert.equal(receiver.isOpen, false);
      writeTree(root, { a: 'first' });
      await push(['a']);
      await engine.dispose();
      await waitFor(
        'the process and its files to go',
        10_000,
        () => inSandbox(sandbox, 'pgrep -f modal-receive | wc -l; ls .modal-sync'),
        (left) => left === '1\ngen\nm\nstamp\n',
      );
    });
  });

  it('never exposes half a file to a reader', async () => {
    const content = (letter: string) => `${letter.repeat(400_000)}\n`;
    writeTree(root, { 'served.txt': content('a') });
    await engine.push(sandbox);
    const watching = inSandbox(
      sandbox,
      'i=0; while [ $i -lt 150 ]; do i=$((i+1)); cat served.txt > /tmp/copy || echo gone; s=$(tr -d "\\n" < /tmp/copy | tr -s ab); n=$(wc -c < /tmp/copy); case "$s $n" in "a 400001"|"b 400001") ;; *) echo "bad $s $n";; esac; done',
      engine.remoteRoot,
    );
    for (let round = 0; round < 6; round += 1) {
      writeTree(root, { 'served.txt': content(round % 2 ? 'a' : 'b') });
      await engine.push(sandbox, { paths: ['served.txt'] });
    }
    assert.equal(await watching, '');
  });
});
