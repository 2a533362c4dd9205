import assert from 'node:assert/strict';
import { Stdin } from '../../../src/run/stdin.ts';

function slowStream() {
  const writes: string[] = [];
  const releases: (() => void)[] = [];
  const stream = new WritableStream<Uint8Array>({
    write(chunk) {
      writes.push(new TextDecoder().decode(chunk));
      return new Promise((resolve) => releases.push(resolve));
    },
  });
  return { stream, writes, release: () => releases.shift()?.() };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Stdin', () => {
  it('holds typed text until the program starts', async () => {
    const stdin = new Stdin();
    stdin.write('ab');
    stdin.write('c');
    const { stream, writes } = slowStream();
    stdin.connect(stream);
    await turn();
    assert.deepEqual(writes, ['abc']);
  });

  it('sends text typed during a call with the next one, in order and one call at a time', async () => {
    const stdin = new Stdin();
    const { stream, writes, release } = slowStream();
    stdin.connect(stream);
    stdin.write('1');
    await turn();
    stdin.write('2');
    stdin.write('3');
    await turn();
    assert.deepEqual(writes, ['1']);
    release();
    await turn();
    assert.deepEqual(writes, ['1', '23']);
  });

  it('joins a character whose halves come in two events', async () => {
    const stdin = new Stdin();
    const { stream, writes, release } = slowStream();
    stdin.connect(stream);
    stdin.write('a\ud83d');
    await turn();
    release();
    await turn();
    stdin.write('\ude00b');
    await turn();
    assert.deepEqual(writes, ['a', '😀b']);
  });

  for (const [what, texts, expected] of [
    ['before the program starts', ['\ud83d', '\ude00'], '😀'],
    ['with text around them', ['a\ud83d', '\ude00\ud83d', '\ude80b'], 'a😀🚀b'],
    ['and a joiner', ['👩\u200d\ud83d', '\udcbb'], '👩\u200d💻'],
    ['of which the second never comes', ['\ud83d', 'x'], '\ufffdx'],
    ['of which the first never came', ['\ude00', 'x'], '\ufffdx'],
    ['with an empty event in between', ['\ud83d', '', '\ude00'], '😀'],
  ] as const)
    it(`sends halves of characters ${what}`, async () => {
      const stdin = new Stdin();
      for (const text of texts) stdin.write(text);
      stdin.end();
      const { stream, writes } = slowStream();
      stdin.connect(stream);
      await turn();
      assert.deepEqual(writes, [expected]);
    });

  it('reads no further ahead of the program than one call takes', async () => {
    let read = 0;
    let isClosed = false;
    async function* endless() {
      try {
        for (; ; read += 1) yield Buffer.alloc(256 * 1024);
      } finally {
        isClosed = true;
      }
    }
    const stdin = new Stdin();
    const piping = stdin.pipe(endless());
    await turn();
    assert.equal(read, 0);
    const { stream, writes, release } = slowStream();
    stdin.connect(stream);
    await turn();
    assert.deepEqual([read, writes.length], [3, 1]);
    stdin.disconnect();
    release();
    await piping;
    assert.deepEqual([read, isClosed], [3, true]);
  });

  it('drops typed text once the program no longer reads', async () => {
    let writes = 0;
    const stdin = new Stdin();
    stdin.connect(
      new WritableStream({
        write: () => {
          writes += 1;
          return Promise.reject(new Error('closed'));
        },
      }),
    );
    stdin.write('x');
    await turn();
    stdin.write('y');
    await turn();
    assert.equal(writes, 1);
  });
});
