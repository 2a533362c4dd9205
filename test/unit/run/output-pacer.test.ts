import assert from 'node:assert/strict';
import { OutputPacer } from '../../../src/run/output-pacer.ts';

const MiB = 1024 * 1024;

/** A stream of chunks that can be interrupted after some of them. */
async function* flood(chunks: number, after: (sent: number) => void): AsyncGenerator<Uint8Array> {
  for (let sent = 1; sent <= chunks; sent += 1) {
    yield Buffer.from(`${String(sent).padEnd(1023, '.')}\n`.repeat(1024));
    after(sent);
  }
  yield Buffer.from('last words\n');
}

function pacer() {
  const seen = { bytes: 0, end: '', skipped: 0, told: 0 };
  const write = (bytes: Uint8Array) => {
    seen.bytes += bytes.length;
    seen.end = (seen.end + Buffer.from(bytes).toString()).slice(-40);
  };
  const skips = { skipping: () => (seen.told += 1), skipped: (bytes: number) => (seen.skipped += bytes) };
  return { seen, pacer: new OutputPacer(write, skips) };
}

describe('a flood of output', () => {
  it('is passed on to its last byte when nothing interrupts it', async () => {
    const { seen, pacer: paced } = pacer();
    await paced.copy(flood(4, () => {}));
    assert.deepEqual([seen.bytes, seen.skipped], [4 * MiB + 11, 0]);
  });

  it('is left out after an interrupt, but for its end, and every byte is accounted for', async () => {
    const { seen, pacer: paced } = pacer();
    await paced.copy(flood(200, (sent) => sent === 2 && paced.skipAhead()));
    assert.ok(seen.skipped > 150 * MiB, `${seen.skipped} bytes were skipped`);
    assert.equal(seen.bytes + seen.skipped, 200 * MiB + 11);
    assert.match(seen.end, /\nlast words\n$/);
    assert.ok(seen.told > 0, 'it is told while it goes on');
  });

  it('is not needed for a program that prints little: an interrupt leaves nothing out', async () => {
    const { seen, pacer: paced } = pacer();
    async function* little() {
      yield Buffer.from('a\n');
      paced.skipAhead();
      yield Buffer.from('KeyboardInterrupt\n');
    }
    await paced.copy(little());
    assert.deepEqual([seen.end, seen.skipped], ['a\nKeyboardInterrupt\n', 0]);
  });
});
