import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { type LocalFolder, localFolder, startScript } from './local-runs.ts';

describe('A run with an input of its own', () => {
  let server: RunningLocalModal;
  let folder: LocalFolder;
  before(async () => {
    server = await startLocalModal();
    folder = await localFolder(server);
  });
  after(async () => {
    await folder.dispose();
    await server.stop();
  });
  const start = (script: string, input: AsyncIterable<Uint8Array>) =>
    startScript(folder, script, { pty: false, input });
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
  const large = randomBytes(10_000_000);
  const pieces = async function* (bytes: Uint8Array) {
    for (let at = 0; at < bytes.length; at += 65_000) yield bytes.subarray(at, at + 65_000);
  };
  const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

  for (const [what, bytes] of [
    ['two lines', Buffer.from('a\nb\n')],
    ['a line without an end', Buffer.from('a')],
    ['nothing', Buffer.alloc(0)],
    ['keys that a terminal takes for itself', Buffer.from('\u0003\u0004\u001a\u001c\r\n')],
    ['every byte', everyByte],
    ['half a character', Buffer.from([0xf0, 0x9f])],
    ['10 MB', large],
  ] as const) {
    it(`gives the program ${what}, and then the end`, async () => {
      const { run, text } = await start('cat | sha256sum; exit 6', pieces(bytes));
      assert.equal((await run.done).exitCode, 6);
      assert.equal(text.output.slice(0, 64), hashOf(bytes));
    });
  }

  it('ends with a program that reads a part of an input without end', async () => {
    let bytes = 0;
    async function* endless() {
      for (const chunk = Buffer.alloc(65_536, 'x'); ; bytes += chunk.length) yield chunk;
    }
    const { run, text } = await start('head -c 3; exit 4', endless());
    assert.equal((await run.done).exitCode, 4);
    assert.equal(text.output, 'xxx');
    assert.ok(bytes < 8_000_000, `${bytes} bytes were read`);
  });

  it('ends with a program that reads nothing of an input that says nothing', async () => {
    const silent = async function* () {
      await new Promise(() => {});
      yield Buffer.alloc(0);
    };
    const { run } = await start('exit 4', silent());
    assert.equal((await run.done).exitCode, 4);
  });
});
