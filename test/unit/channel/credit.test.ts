import assert from 'node:assert/strict';
import type { Sandbox } from 'modal';
import { helperCommand, helperSource, LANGUAGE_NAMES, type LanguageName } from '../../../src/channel/boot.ts';
import { CreditPool, MIN_CREDIT_BYTES } from '../../../src/channel/credit.ts';
import { ExecPipe } from '../../../src/channel/exec-pipe.ts';
import { FrameReader, fields, frame, Kind, MAX_PAYLOAD_BYTES, numberIn } from '../../../src/channel/frames.ts';
import type { Workbench } from '../../helpers/local-modal.ts';
import { startSandboxServer } from './sandbox-server.ts';

/** More than it takes to use up what the streams share: each gets a quarter of what is left. */
const STALLED = 64;
const BUSY_BYTES = 16 * 1024 * 1024;
/** With the minimum alone, it would need more than 500. */
const MAX_CREDITS = 50;

describe('A busy stream beside many that have stopped', () => {
  let workbench: Workbench;
  let sandbox: Sandbox;
  let port: number;

  before(async () => {
    ({ workbench, sandbox, port } = await startSandboxServer());
  });
  after(() => workbench.server.stop());

  it('gets large credits from its window', () => {
    const pool = new CreditPool();
    const stalled = Array.from({ length: STALLED }, () => pool.open());
    // A reader that stops has taken a piece.
    for (const each of stalled) each.read(Math.min(each.granted, MAX_PAYLOAD_BYTES));
    const busy = pool.open();
    let credits = 0;
    for (let read = 0; read < BUSY_BYTES; read += MIN_CREDIT_BYTES) if (busy.read(MIN_CREDIT_BYTES) > 0) credits += 1;
    assert.ok(credits <= MAX_CREDITS, `${credits} credits`);
  });

  for (const language of LANGUAGE_NAMES)
    it(`gets large credits from a helper in ${language}`, async () => {
      const credits = await creditsOf(language);
      assert.ok(credits.length <= MAX_CREDITS, `${credits.length} credits`);
      assert.ok(Math.max(...credits) <= BUSY_BYTES / 2);
    });

  /** Sends bytes to a helper, as fast as it lets them come, next to connections that have stopped. Returns the credits. */
  async function creditsOf(language: LanguageName): Promise<readonly number[]> {
    const pipe = await ExecPipe.open(helperCommand(600, [language]), { modal: workbench.modal, sandbox });
    const busyId = STALLED + 1;
    const credits: number[] = [];
    let available = MIN_CREDIT_BYTES;
    let left = BUSY_BYTES;
    let waiting = STALLED;
    let hash = '';
    const connect = (id: number) => {
      pipe.write(...frame(Kind.open, id, 0, fields('tcp', MIN_CREDIT_BYTES, 0, '127.0.0.1', port)));
      pipe.write(...frame(Kind.data, id, 0, Buffer.from('hash\n')));
      if (id !== busyId) pipe.write(...frame(Kind.data, id, 0, Buffer.alloc(8 * 1024)));
    };
    const sendBusy = () => {
      while (available > 0 && left > 0) {
        const bytes = Math.min(available, left, MAX_PAYLOAD_BYTES);
        available -= bytes;
        left -= bytes;
        pipe.write(...frame(Kind.data, busyId, 0, Buffer.alloc(bytes)));
        if (left === 0) pipe.write(...frame(Kind.end, busyId, 0, new Uint8Array()));
      }
    };
    const reader = new FrameReader({
      data: (_, __, bytes) => {
        hash += Buffer.from(bytes);
      },
      frame: (kind, id, _, payload) => {
        if (kind === Kind.need) pipe.write(...frame(Kind.source, 0, 0, helperSource(language)));
        if (kind === Kind.hello) for (let each = 1; each <= STALLED; each += 1) connect(each);
        if (kind === Kind.opened && id !== busyId && --waiting === 0) {
          available -= 'hash\n'.length;
          connect(busyId);
          sendBusy();
        }
        if (kind !== Kind.credit || id !== busyId) return;
        credits.push(numberIn(payload));
        available += numberIn(payload);
        sendBusy();
      },
    });
    for await (const chunk of pipe.read()) {
      reader.feed(chunk);
      if (hash.length === 64) break;
    }
    pipe.close();
    assert.equal(left, 0);
    return credits;
  }
});
