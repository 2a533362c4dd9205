import assert from 'node:assert/strict';
import type { Sandbox } from 'modal';
import { type Channel, Channels } from '../../../src/channel/channels.ts';
import { CreditPool, MIN_CREDIT_BYTES } from '../../../src/channel/credit.ts';
import { strings } from '../../../src/channel/strings.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';

/** What a helper in Python begins with here: it's ready, and waits for the first stream. */
const READY = `
import os, struct
def send(kind, id=1, part=0, data=b''): os.write(1, struct.pack('>IBBI', id, kind, part, len(data)) + data)
`;
const HELLO = `${READY}send(8, 0, 0, b'1\\0python\\0001')\nos.read(0, 4096)\n`;

describe('A helper that was replaced by a hostile program', () => {
  let workbench: Workbench;
  let sandbox: Sandbox;
  let channels: Channels;
  let channel: Channel;
  let file: string;

  before(async () => {
    workbench = await startWorkbench();
    sandbox = await workbench.modal.sandboxes.create(workbench.app, workbench.image, { timeoutMs: 600_000 });
    const first = new Channels({ client: async () => workbench.modal });
    await (await first.of(sandbox, { owner: 'Test', reason: 'file' }).spawn(['true'])).ended;
    first.dispose();
    file = (await workbench.shell(sandbox, 'ls /workspace/.modal-sync/channel/*.py')).trim();
  });
  beforeEach(() => {
    channels = new Channels({ client: async () => workbench.modal });
    channel = channels.of(sandbox, { owner: 'Test', reason: 'hostile' });
  });
  afterEach(() => channels.dispose());
  after(() => workbench.server.stop());

  async function replace(program: string): Promise<void> {
    const process = await sandbox.exec(['sh', '-c', 'cat > "$1"', 'sh', file], { stdout: 'ignore', stderr: 'ignore' });
    const writer = process.stdin.getWriter();
    await writer.write(program);
    await writer.close();
    await process.wait();
  }

  for (const [what, program] of [
    ['more bytes than it may', 'for _ in range(80): send(2, 1, 1, bytes(65536))'],
    ['bytes of a part that the stream does not have', 'send(2, 1, 7, b"x")'],
    ['bytes after their end', 'send(3, 1, 1); send(2, 1, 1, b"x")'],
    ['a frame of four gigabytes', 'os.write(1, struct.pack(">IBBI", 1, 10, 0, 4294967295))'],
    ['a kind of frame that does not exist', 'send(99)'],
    ['an exit code that is no number', 'send(10, 1, 0, b"code\\0zero")'],
    ['a signal that is none', 'send(10, 1, 0, b"signal\\0; rm")'],
    ['a process ID that is none', 'send(9, 1, 0, b"-1")'],
    ['a credit that is no number', 'send(5, 1, 0, b"a lot")'],
    ['the end of a part that the stream does not have', 'send(3, 1, 9)'],
    ['an exit without a code', 'send(10, 1)'],
    ['an exit code of a thousand digits', 'send(10, 1, 0, b"code\\0" + b"1" * 1000)'],
    ['text in another encoding for an exit code', 'send(10, 1, 0, b"code\\0\\xff\\xfe")'],
  ] as const)
    it(`is left with an explanation when it sends ${what}`, async () => {
      await replace(HELLO + program);
      const process = await channel.spawn(['true']);
      await assert.rejects(process.exit, { name: 'UserError', message: strings.helperNotUnderstood() });
    });

  for (const [what, program] of [
    ['speaks another version', `${READY}send(8, 0, 0, b'2\\0python\\0001')`],
    ['prints text', 'print("Welcome to this image! " * 10)'],
    ['speaks of streams first', `${READY}send(2, 1, 1, b"x")`],
  ] as const)
    it(`is left with an explanation when it ${what}`, async () => {
      await replace(program);
      await assert.rejects(channel.spawn(['true']), { name: 'UserError', message: strings.helperNotUnderstood() });
    });

  for (const [what, program, reason] of [
    ['says that it is ready twice', `send(8, 0, 0, b'1\\0python\\0001')`, strings.helperEnded()],
    ['asks for its program again', `send(12, 0, 0, b'python')`, strings.helperEnded()],
    ['fails with a code that is none', `send(4, 1, 0, b'../etc\\0\\x1b[31mred')`, strings.failed('true', 'EIO')],
    ['ends a stream twice, and speaks of it later', 'send(4, 1); send(4, 1); send(2, 1, 1, b"x")', undefined],
    ['speaks of streams that were never opened', 'send(2, 99, 1, b"x"); send(9, 7, 0, b"x"); send(4, 1)', undefined],
    [
      'gives more credit than there is memory',
      'for _ in range(99): send(5, 1, 0, b"\\xff" * 4)\nsend(4, 1)',
      undefined,
    ],
  ] as const)
    it(`does no harm when it ${what}`, async () => {
      await replace(HELLO + program);
      const process = await channel.spawn(['true']);
      // A stream that ends without an exit code is a failure, too.
      await assert.rejects(
        process.exit,
        reason === undefined ? /No exit code/ : { name: 'UserError', message: reason },
      );
    });

  for (const [what, row] of [
    ['an address that is none', "b'tcp\\0ZZ:1F90\\0\\0'"],
    ['half a row', "b'tcp\\x000100007F:1F90'"],
    ['a family that is none', "b'udp\\x000100007F:1F90\\0\\0'"],
    ['a process ID that is none', "b'tcp\\x000100007F:1F90\\0-1\\0x'"],
  ] as const)
    it(`is left when it lists ports with ${what}, and its listeners learn nothing`, async () => {
      await replace(`${HELLO}send(11, 1, 0, ${row})`);
      let calls = 0;
      channel.watchPorts(() => (calls += 1), { keepsOpen: true });
      await assert.rejects(channel.signal(1, 'SIGTERM'), { name: 'UserError', message: strings.helperNotUnderstood() });
      assert.equal(calls, 0);
    });

  it('cannot flood listeners', async () => {
    const ports = 'b"\\0".join([b"tcp", b"0100007F:%04X" % (at % 65536), b"", b""])';
    await replace(`${HELLO}for at in range(20000): send(11, 1, 0, ${ports})\nsend(4, 2)\n`);
    let calls = 0;
    channel.watchPorts(() => {
      calls += 1;
    });
    const startedAt = performance.now();
    await assert.rejects((await channel.spawn(['true'])).exit);
    assert.ok(calls >= 1 && calls <= 2 + (performance.now() - startedAt) / 250, `${calls} calls`);
  });

  it('cannot make its window keep more than a part of its memory for 1,000 streams that are not read', () => {
    const pool = new CreditPool();
    const credits = Array.from({ length: 1000 }, () => pool.open());
    const sum = () => credits.reduce((all, { granted }) => all + granted, 0);
    assert.ok(sum() <= 32 * 1024 * 1024, `${sum()} bytes`);
    assert.ok(credits.every(({ granted }) => granted >= MIN_CREDIT_BYTES));
    // Each is used up and renewed again and again, and the sum stays the same.
    for (let round = 0; round < 3; round += 1) for (const each of credits) each.read(each.granted);
    assert.ok(sum() <= 32 * 1024 * 1024, `${sum()} bytes`);
    for (const each of credits) each.keepOnly(0);
    assert.equal(pool.open().granted, new CreditPool().open().granted);
  });
});
