import assert from 'node:assert/strict';
import { OutputPacer } from '../../../src/run/output-pacer.ts';

const MiB = 1024 * 1024;

const CHUNK = Buffer.from(`${'.'.repeat(1023)}\n`.repeat(1024));

// biome-ignore lint/plugin: how long a read takes is what these tests are about.
const slowRead = () => new Promise((resolve) => setTimeout(resolve, 300));

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

  for (const [what, chunk] of [
    ['small pieces', Buffer.from(`${'y\n'.repeat(2048)}`)],
    ['a single line', Buffer.alloc(64 * 1024, 'x')],
    ['bytes that are no text', Buffer.alloc(256 * 1024, 0xff)],
    ['characters of several bytes', Buffer.from('😀'.repeat(20_000))],
  ] as const)
    it(`skips a flood of ${what} after two interrupts, and accounts for every byte`, async () => {
      const { seen, pacer: paced } = pacer();
      const total = Math.ceil((40 * MiB) / chunk.length);
      async function* pieces() {
        for (let sent = 0; sent < total; sent += 1) {
          yield chunk;
          if (sent * chunk.length < 2 * MiB && (sent + 1) * chunk.length >= 2 * MiB) paced.skipAhead();
          if (sent === Math.floor(total / 2)) paced.skipAhead();
        }
        yield Buffer.from('\nlast words\n');
      }
      await paced.copy(pieces());
      assert.equal(seen.bytes + seen.skipped, total * chunk.length + 12);
      assert.ok(seen.bytes < 4 * MiB, `${seen.bytes} bytes were shown`);
      assert.match(seen.end, /last words\n$/);
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

  for (const reads of [1, 2, 7])
    it(`goes on skipping a flood after an interrupt although ${reads} of its reads take long`, async () => {
      const { seen, pacer: paced } = pacer();
      async function* slowly() {
        for (let sent = 1; sent <= 60; sent += 1) {
          if (sent > 2 && sent <= 2 + reads) await slowRead();
          yield CHUNK;
          if (sent === 2) paced.skipAhead();
        }
      }
      await paced.copy(slowly());
      assert.equal(seen.bytes + seen.skipped, 60 * MiB);
      assert.ok(seen.bytes <= (2 + (reads + 1) / 16) * MiB, `${seen.bytes} bytes were shown`);
    });

  it('skips a flood after an interrupt that comes while nothing has arrived for a moment', async () => {
    const { seen, pacer: paced } = pacer();
    async function* halting() {
      yield* flood(2, () => {});
      await slowRead();
      paced.skipAhead();
      yield* flood(20, () => {});
    }
    await paced.copy(halting());
    assert.ok(seen.skipped > 19 * MiB, `${seen.skipped} bytes were skipped`);
  });

  it('shows all that a program prints little by little after an interrupt, and then floods again', async () => {
    const { seen, pacer: paced } = pacer();
    async function* calm() {
      yield* flood(2, (sent) => sent === 2 && paced.skipAhead());
      for (const line of ['1\n', '2\n', '3\n']) {
        yield Buffer.from(line);
        await slowRead();
      }
      assert.match(seen.end, /last words\n1\n2\n3\n$/);
      yield* flood(2, () => {});
    }
    await paced.copy(calm());
    assert.deepEqual([seen.bytes, seen.skipped], [4 * MiB + 2 * 11 + 6, 0]);
  });

  it('shows all of an answer to what is typed after an interrupt', async () => {
    const { seen, pacer: paced } = pacer();
    async function* answering() {
      yield* flood(2, (sent) => sent === 2 && paced.skipAhead());
      await slowRead();
      paced.typed();
      yield CHUNK;
    }
    await paced.copy(answering());
    assert.deepEqual([seen.bytes, seen.skipped], [3 * MiB + 11, 0]);
  });

  it('shows a flood again that goes on after an interrupt, once no more can have been printed before it', async () => {
    const { seen, pacer: paced } = pacer();
    await paced.copy(flood(260, (sent) => sent === 2 && paced.skipAhead()));
    assert.equal(seen.bytes + seen.skipped, 260 * MiB + 11);
    assert.ok(seen.bytes > 4 * MiB && seen.bytes < 8 * MiB, `${seen.bytes} bytes were shown`);
  });

  it('passes on nothing after its end, and as fast as it comes if no terminal has to show it', async () => {
    let bytes = 0;
    const none = { skipping: () => {}, skipped: () => {} };
    const paced = new OutputPacer((chunk) => (bytes += chunk.length), none, { isUnpaced: true });
    await paced.copy(flood(100, (sent) => sent === 99 && paced.end()));
    assert.equal(bytes, 99 * MiB);
  });
});
