import assert from 'node:assert/strict';
import { OutputPacer } from '../../../src/run/output-pacer.ts';

const MiB = 1024 * 1024;

/** Made in advance: a read that takes long ends the skipping. */
const CHUNK = Buffer.from(`${'.'.repeat(1023)}\n`.repeat(1024));

/** Yields chunks of 1 MiB and calls `after` with their number after each. */
async function* flood(chunks: number, after: (sent: number) => void): AsyncGenerator<Uint8Array> {
  for (let sent = 1; sent <= chunks; sent += 1) {
    yield CHUNK;
    after(sent);
  }
  yield Buffer.from('last words\n');
}

function pacer() {
  const seen = { bytes: 0, end: '', skipped: 0, reports: 0 };
  const write = (bytes: Uint8Array) => {
    seen.bytes += bytes.length;
    seen.end = (seen.end + Buffer.from(bytes).toString()).slice(-40);
  };
  const skips = { skipping: () => (seen.reports += 1), skipped: (bytes: number) => (seen.skipped += bytes) };
  return { seen, pacer: new OutputPacer(write, skips) };
}

describe('OutputPacer', () => {
  it('passes on a flood of output to its last byte if nothing interrupts it', async () => {
    const { seen, pacer: paced } = pacer();
    await paced.copy(flood(4, () => {}));
    assert.deepEqual([seen.bytes, seen.skipped], [4 * MiB + 11, 0]);
  });

  it('skips a flood of output after an interrupt, except for its end, and accounts for every byte', async () => {
    const { seen, pacer: paced } = pacer();
    await paced.copy(flood(200, (sent) => sent === 2 && paced.skipAhead()));
    assert.ok(seen.skipped > 150 * MiB, `${seen.skipped} bytes were skipped`);
    assert.equal(seen.bytes + seen.skipped, 200 * MiB + 11);
    assert.match(seen.end, /\nlast words\n$/);
    assert.ok(seen.reports > 0, 'skipping is reported while it lasts');
  });

  it('skips nothing after an interrupt if the program prints little', async () => {
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
