import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { dropIfEnded } from '../../../src/sandboxes/drop-ended.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { TestWindow, type WindowOptions } from '../../helpers/window.ts';

/** Writes a counter, and prints each value once it is on the disk. */
const COUNTER = `i=0; while :; do i=$((i+1)); echo $i > /c.part; sync /c.part; mv /c.part /counter; echo $i; sleep 0.02; done`;

describe('Files of sandboxes that have ended', function () {
  this.timeout(60_000);
  let server: RunningLocalModal;
  let dir: string;
  let windows: TestWindow[];

  before(async () => {
    server = await startLocalModal();
  });
  after(() => server.stop());
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'kept-'));
    await mkdir(join(dir, 'folder'));
    windows = [];
  });
  afterEach(async () => {
    await Promise.all(windows.map((each) => each.close()));
    await rm(dir, { recursive: true });
    assert.deepEqual((await server.control.running()).sandboxes, []);
  });

  async function open(options: Partial<WindowOptions> = {}): Promise<TestWindow> {
    const id = `window-${windows.length}`;
    const [machineDir, path] = [join(dir, 'machine'), join(dir, 'folder')];
    const window = new TestWindow({ url: server.url, machineDir, path, id, ...options });
    await window.machine.join();
    windows.push(window);
    return window;
  }

  async function shell(sandbox: Sandbox, line: string): Promise<string> {
    return (await sandbox.exec(['sh', '-c', line])).stdout.readText();
  }

  /** Starts the counter, and resolves with a function that returns its last value on the disk. */
  async function count(sandbox: Sandbox): Promise<() => Promise<number>> {
    const counter = await sandbox.exec(['sh', '-c', COUNTER]);
    let last = 0;
    const reading = (async () => {
      let text = '';
      for await (const part of counter.stdout) {
        text += part;
        last = Number(text.split('\n').at(-2) ?? 0);
      }
    })().catch(() => {});
    await waitFor(
      'the counter',
      10_000,
      async () => last,
      (value) => value > 2,
    );
    return async () => {
      await reading;
      return last;
    };
  }

  const ends = {
    'its window closes': async (window) => window.close(),
    'it is terminated from elsewhere': async (_, sandbox) => sandbox.terminate(),
    'it is preempted': async (_, { sandboxId }) => server.control.preempt(sandboxId),
    'its lifetime ends': async () => {},
  } satisfies Record<string, (window: TestWindow, sandbox: Sandbox) => Promise<unknown>>;

  for (const [end, make] of Object.entries(ends)) {
    it(`come back in the next run if ${end} while a program writes`, async () => {
      const profile = end === 'its lifetime ends' ? { timeoutMs: 3_000 } : {};
      const first = await open({ profile });
      const { sandbox, isNew } = await first.sessions.acquire(first.folder);
      assert.ok(isNew);
      const lastValue = await count(sandbox);
      await make(first, sandbox);
      const last = await lastValue();
      const next = end === 'its window closes' ? await open({ profile }) : first;
      await waitFor(
        'the end',
        10_000,
        async () => {
          await dropIfEnded(next.sessions, sandbox);
          return next.sessions.sandboxOf(next.folder, 'default');
        },
        (found) => found === undefined,
      );
      const session = await next.sessions.acquire(next.folder);
      assert.equal(session.taken, 'resumed');
      assert.notEqual(session.sandbox.sandboxId, sandbox.sandboxId);
      const value = Number(await shell(session.sandbox, 'cat /counter'));
      assert.ok(value === last || value === last + 1, `${value} after ${last}`);
    });
  }
});
