import assert from 'node:assert/strict';
import { RunInput } from '../../../src/run/run-input.ts';
import { localRuns } from './local-runs.ts';

describe('The keyboard of a run', () => {
  const { start } = localRuns();

  it('keeps text and the latest size from before the run exists', async () => {
    const input = new RunInput(() => {});
    input.write('ear');
    input.resize({ rows: 10, columns: 20 });
    input.write('ly\r');
    input.resize({ rows: 31, columns: 97 });
    const { run, text } = await start('read -r line; echo "got $line"; stty size', input.size && { size: input.size });
    input.connect(run, { pty: true });
    await run.done;
    assert.match(text.output, /got early\r\n31 97\r\n$/);
  });

  it('cancels a run with Ctrl+C before it exists', async () => {
    const input = new RunInput(() => {});
    input.write('abc\u0003');
    assert.ok(input.signal.aborted);
    const { run } = await start('true');
    input.connect(run, { pty: true });
    assert.deepEqual(await run.done, { outcome: 'canceled' });
  });

  for (const [what, before, pty, expected] of [
    ['pasted lines', ['a b\rc\t', 'd\r'], true, /got <a b> <c\s+d>\r?\n$/],
    ['corrections', ['ax\u007f', ' b\rcx', '\u007fd\r'], true, /got <a b> <cd>\r?\n$/],
    ['halves of a character', ['\ud83d', '\ude00\r', 'b\r'], true, /got <😀> <b>\r?\n$/],
    ['lines and the end of input', ['a b\rc', '\r\u0004'], false, /got <a b> <c>\n$/],
    ['the end of input alone', ['\u0004'], false, /got <> <>\n$/],
    ['corrections without a terminal', ['ä\u007fa\r', '\u001b[Ab\r'], false, /got <a> <b>\n$/],
  ] as const)
    it(`keeps ${what} from before the run exists`, async () => {
      const input = new RunInput(() => {});
      for (const text of before) input.write(text);
      const { run, text } = await start('read -r a; read -r b; echo "got <$a> <$b>"', { pty });
      input.connect(run, { pty });
      assert.equal((await run.done).exitCode, 0);
      assert.match(text.output, expected);
    });

  for (const [what, texts, pty] of [
    ['in a pasted text', ['ls\r', 'abc\u0003def\r'], true],
    ['without a terminal', ['abc\r\u0003'], false],
    ['twice', ['\u0003', '\u0003'], true],
  ] as const)
    it(`cancels a run with Ctrl+C ${what} before it exists`, async () => {
      const input = new RunInput(() => {});
      for (const text of texts) input.write(text);
      input.resize({ rows: 3, columns: 9 });
      const { run } = await start('true', { pty });
      input.connect(run, { pty });
      assert.deepEqual(await run.done, { outcome: 'canceled' });
    });

  it('tells a terminal that was opened without a size the one that it gets before its program starts', async () => {
    const input = new RunInput(() => {});
    const { run } = await start('until [ "$(stty size)" = "31 97" ]; do sleep 0.05; done; exit 5');
    input.connect(run, { pty: true });
    input.resize({ rows: 31, columns: 97 });
    assert.equal((await run.done).exitCode, 5);
  });

  it('gives a program without a terminal lines and the end of input, and shows what is typed', async () => {
    let screen = '';
    const input = new RunInput((text) => (screen += text));
    input.write('früh\r');
    const { run, text } = await start('read -r a; read -r b; echo "got $a and $b"; cat', { pty: false });
    input.connect(run, { pty: false });
    input.write('latr\u007fer\r');
    input.write('rest\r\u0004');
    assert.equal((await run.done).exitCode, 0);
    assert.equal(text.output, 'got früh and later\nrest\n');
    assert.equal(screen, 'früh\r\nlatr\b \ber\r\nrest\r\n');
  });

  it('ends a program without a terminal with Ctrl+C', async () => {
    const input = new RunInput(() => {});
    const { run, shows } = await start('echo ready; sleep 1000', { pty: false });
    input.connect(run, { pty: false });
    await shows('ready');
    input.write('\u0003');
    assert.equal((await run.done).exitCode, 130);
  });
});
