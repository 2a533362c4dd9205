import assert from 'node:assert/strict';
import { heartbeatCommand } from '../../../src/modal/watchdog.ts';
import { resizeCommand } from '../../../src/run/control.ts';
import { RunMarkReader } from '../../../src/sync/push/run-preamble.ts';
import { processStarts } from '../../helpers/process-starts.ts';
import { runCommand } from '../../helpers/run-command.ts';
import { inSandbox } from './sandboxes.ts';
import { engine, root, sandbox, withEach } from './setup.ts';
import { writeTree } from './temporary.ts';

// Starting a process takes as long as a hundred lines of shell on Modal, so a higher number here is a slower run there.
describe('The number of processes that are started in a sandbox', () => {
  withEach(() => {
    writeTree(root, Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`d${at % 6}/f${at}`, 'old'])));
  });

  const program = [{ argv: ['true'] as const }];
  let runs = 0;
  const run = async (options: object = {}, pty = false) => {
    runs += 1;
    const command = runCommand(program, [], { runId: `starts-${runs}`, cwd: '/', shellArgs: '', ...options });
    await (await sandbox.exec(command, { pty })).wait();
  };

  const size = { rows: 30, columns: 100 };
  const edit = (files: number, text: string) => {
    for (let at = 0; at < files; at += 1) writeTree(root, { [`d${at % 6}/f${at}`]: text });
  };
  const command = (argv: string[]) => async () => void (await (await sandbox.exec(argv)).wait());
  const atMost = async (
    most: number,
    ...args: Parameters<typeof processStarts> extends [unknown, ...infer Rest] ? Rest : never
  ) => {
    const starts = await processStarts(sandbox, ...args);
    assert.ok(starts <= most, `${starts} processes`);
  };

  it('is that of its watchdog for a run, with and without a terminal', async () => {
    await atMost(3, () => run());
    await atMost(3, () => run({ size }, true), { pty: true });
  });

  it('is zero for a push of any number of files, and for the check of a run that changes nothing', async () => {
    await engine.push(sandbox);
    // Perl is the command itself.
    for (const files of [1, 10, 40])
      await atMost(0, async (round) => {
        edit(files, `${files} ${round}`);
        assert.equal((await engine.push(sandbox)).files, files);
      });
    const prepared = (outcome: { readonly kind: 'same' | 'unknown' }) => async (round: number) => {
      if (outcome.kind === 'unknown') edit(3, `with a run ${round}`);
      const { script, settle } = await engine.prepareRun(sandbox);
      const process = await sandbox.exec(['sh', '-c', `${script}\nexec true`]);
      const reader = new RunMarkReader();
      for await (const text of process.stdout as AsyncIterable<string>) reader.feed(Buffer.from(text));
      await process.wait();
      await settle(reader.outcome ?? { kind: 'unknown' });
      assert.equal(reader.outcome?.kind, outcome.kind === 'same' ? 'same' : 'ok');
    };
    await atMost(0, prepared({ kind: 'same' }));
    // Perl.
    await atMost(1, prepared({ kind: 'unknown' }));
  });

  it('is zero for a saved file', async () => {
    await engine.push(sandbox);
    const save = async (round: number) => {
      edit(1, `saved ${round}`);
      await engine.push(sandbox, { paths: ['d0/f0'], expectMore: true });
    };
    await save(-1);
    await atMost(0, save, { execs: 0 });
  });

  it('is small for a list of changes, a change of size, and a heartbeat', async () => {
    await engine.push(sandbox);
    const list = async (round: number) => {
      await inSandbox(sandbox, `echo ${round} > d0/f0; echo > d1/new${round}`);
      assert.equal((await engine.remoteChanges(sandbox)).modified.length, 1);
    };
    // find, and find for the folders that have changed.
    await atMost(2, list, { execs: 2 });
    const id = 'kept';
    const keeping = await sandbox.exec(
      runCommand([{ argv: ['cat'] }], [], { runId: id, cwd: '/', shellArgs: '', size }),
      { pty: true },
    );
    await atMost(1, command(resizeCommand(id, size)));
    await atMost(0, command(heartbeatCommand(id)));
    await inSandbox(sandbox, `kill $(cat /tmp/.modal-run-${id})`);
    await keeping.wait();
  });
});
