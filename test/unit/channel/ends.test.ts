import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import type { ModalClient, Sandbox } from 'modal';
import { HOUR_MS, MINUTE_MS } from '../../../src/base/clock.ts';
import { type Channel, Channels, type ChannelsOptions } from '../../../src/channel/channels.ts';
import { strings } from '../../../src/channel/strings.ts';
import { connect } from '../../../src/modal/client.ts';
import { terminateSandbox } from '../../../src/modal/sandboxes.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { accountOf } from '../../helpers/sessions.ts';
import { shortenWaits, Time } from '../../helpers/time.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { SENT_PIECE, startServer } from './sandbox-server.ts';

/** gRPC's status code. */
const UNAVAILABLE = 14;
/** The number of times that the SDK tries a call before it gives up. */
const SDK_TRIES = 10;

describe('The helper of a channel', () => {
  let workbench: Workbench;
  let modal: ModalClient;
  let sandbox: Sandbox;
  let port: number;
  let lengthenWaits: () => void;
  const opened: Channels[] = [];

  before(async () => {
    lengthenWaits = shortenWaits();
    workbench = await startWorkbench();
    modal = await connect(accountOf(workbench.server));
    sandbox = await create();
    port = await startServer(sandbox);
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) each.dispose();
    await workbench.server.control.clearFaults();
    await gone();
  });
  after(async () => {
    lengthenWaits();
    modal.close();
    await workbench.server.stop();
  });

  async function create(): Promise<Sandbox> {
    const { sandboxId } = await workbench.modal.sandboxes.create(workbench.app, workbench.image, {
      timeoutMs: 600_000,
    });
    return modal.sandboxes.fromId(sandboxId);
  }

  function open(options: Partial<ChannelsOptions> = {}, target = sandbox): Channel {
    const channels = new Channels({ client: async () => modal, ...options });
    opened.push(channels);
    return channels.of(target, { owner: 'Test', reason: 'ends' });
  }

  const helpers = () =>
    workbench.shell(
      sandbox,
      'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" "\\n" | grep -c "^modal-channel$" || true',
    );
  const gone = () => waitFor('no helper in the sandbox', 15_000, helpers, (count) => count.trim() === '0');

  it('ends a minute after the last stream, and starts again for the next one', async () => {
    const clock = new Time();
    const channel = open({ clock });
    const socket = await channel.connect({ port });
    socket.write('wait\n');
    await socket.opened;
    await clock.pass(MINUTE_MS);
    assert.equal((await helpers()).trim(), '1');
    socket.destroy();
    await once(socket, 'close');
    await clock.pass(MINUTE_MS - 1);
    assert.equal((await helpers()).trim(), '1');
    await clock.pass(1);
    await gone();
    const process = await channel.spawn(['echo', 'again']);
    assert.equal(await text(process.stdout), 'again\n');
  });

  it('is not kept running by a watch of ports that does not ask for it, which goes on with the next one', async () => {
    const clock = new Time();
    const channel = open({ clock });
    let calls = 0;
    const told = () =>
      waitFor(
        'ports',
        15_000,
        async () => calls,
        (count) => count > 0,
      );
    channel.watchPorts(() => {
      calls += 1;
    });
    await (await channel.spawn(['true'])).ended;
    await told();
    await clock.pass(MINUTE_MS);
    await gone();
    calls = 0;
    await (await channel.spawn(['true'])).ended;
    await told();
    assert.equal(channel.info.streams, 0);
  });

  it('ends when its window says nothing any more, together with what it started', async () => {
    // Its clock stands still, so it sends no sign of life.
    const channel = open({ clock: new Time(), lostWindowMs: 1000 });
    const process = await channel.spawn(['sleep', '4321']);
    await assert.rejects(process.exit, new RegExp(strings.helperEnded()));
    await gone();
    const left = await workbench.shell(sandbox, 'cat /proc/[0-9]*/cmdline | tr "\\0" "\\n" | grep -cx 432[1] || true');
    assert.equal(left.trim(), '0');
  });

  it('is left after the computer has slept for an hour, and the next stream starts another', async () => {
    const clock = new Time();
    const channel = open({ clock });
    const socket = await channel.connect({ port });
    socket.write('wait\n');
    const failed = once(socket, 'error');
    await clock.pass(HOUR_MS);
    assert.equal((await failed)[0].message, strings.windowWasAsleep());
    const process = await channel.spawn(['echo', 'awake']);
    assert.equal(await text(process.stdout), 'awake\n');
  });

  it('goes on for a minute in which one stream is not read and another is, and loses nothing', async () => {
    const clock = new Time();
    const channel = open({ clock });
    const [stopped, busy] = [await channel.connect({ port }), await channel.connect({ port })];
    stopped.write('send 160\n');
    await once(stopped, 'readable');
    busy.write('echo\n');
    for (let second = 0; second < 60; second += 10) {
      await clock.pass(10_000);
      busy.write(`${second}\n`);
      assert.equal(String((await once(busy, 'data'))[0]), `${second}\n`);
    }
    assert.equal((await buffer(stopped)).length, 160 * SENT_PIECE.length);
    busy.destroy();
    stopped.destroy();
  });

  it('ends with a window that reloads in mid-transfer, and the next window starts another', async () => {
    const channel = open();
    const process = await channel.spawn(['cat', '/dev/zero']);
    const socket = await channel.connect({ port });
    socket.write('send 16000\n');
    await Promise.all([once(process.stdout, 'data'), once(socket, 'data')]);
    const closed = once(socket, 'close');
    opened.pop()?.dispose();
    await Promise.all([closed, assert.rejects(process.exit, new RegExp(strings.channelClosed('Test')))]);
    await gone();
    const again = await open().spawn(['echo', 'again']);
    assert.equal(await text(again.stdout), 'again\n');
  });

  it('that is killed ends its streams with a reason, and the next stream starts another', async () => {
    const channel = open();
    const process = await channel.spawn(['sh', '-c', 'kill -KILL $PPID; sleep 1000']);
    await assert.rejects(process.exit, new RegExp(strings.helperEnded()));
    const next = await channel.spawn(['echo', 'again']);
    assert.equal(await text(next.stdout), 'again\n');
  });

  it('resumes its streams where they stopped when the network was lost for a while', async () => {
    await workbench.server.control.addFault({ method: 'TaskExecStdioRead', cutAfterBytes: 1_000_001, times: 1 });
    await workbench.server.control.addFault({
      method: 'TaskExecStdioRead',
      code: UNAVAILABLE,
      skip: 1,
      times: SDK_TRIES + 1,
    });
    await workbench.server.control.addFault({
      method: 'TaskExecStdinWrite',
      code: UNAVAILABLE,
      skip: 3,
      times: SDK_TRIES + 1,
    });
    const channel = open();
    const [down, up] = [await channel.connect({ port }), await channel.connect({ port })];
    down.write('send 80\n');
    up.write('hash\n');
    const bytes = Buffer.concat(Array.from({ length: 80 }, () => SENT_PIECE));
    up.end(bytes);
    const hash = createHash('sha256').update(bytes).digest('hex');
    const [received, answer] = await Promise.all([buffer(down), text(up)]);
    assert.equal(createHash('sha256').update(received).digest('hex'), hash);
    assert.equal(answer, hash);
  });

  it('ends its streams with the reason when nothing has reached the sandbox for five minutes', async () => {
    const { control } = workbench.server;
    const clock = new Time();
    const channel = open({ clock, lostWindowMs: HOUR_MS });
    const process = await channel.spawn(['sh', '-c', 'echo $PPID; cat']);
    const helper = Number(String((await once(process.stdout, 'data'))[0]));
    await control.resetCalls();
    await control.addFault({ method: 'TaskExecStdinWrite', code: UNAVAILABLE });
    process.stdin.write('lost');
    // The SDK has given up, and the connection was made anew.
    await waitFor(
      'another try',
      15_000,
      async () => (await control.calls()).TaskExecStdinWrite ?? 0,
      (calls) => calls > SDK_TRIES + 2,
    );
    const failed = assert.rejects(process.exit, /Injected fault/);
    for (let passedMs = 0; passedMs <= 5 * MINUTE_MS; passedMs += MINUTE_MS) await clock.pass(MINUTE_MS);
    await failed;
    await control.clearFaults();
    await workbench.shell(sandbox, `kill ${helper} || true`);
  });

  it('ends its streams with the reason when the sandbox ends in mid-transfer', async () => {
    const other = await create();
    const channel = open({}, other);
    const process = await channel.spawn(['cat', '/dev/zero']);
    await once(process.stdout, 'readable');
    const reading = buffer(process.stdout);
    await terminateSandbox(modal, other.sandboxId);
    await assert.rejects(process.exit, /^\w+: The sandbox was terminated\./);
    assert.ok((await reading).length > 0);
    await assert.rejects(channel.spawn(['true']), /is not running/);
  });

  it('names what is missing when the image has no language for it', async () => {
    const other = await create();
    await workbench.shell(
      other,
      'for each in python3 node perl; do while path=$(command -v $each); do rm -f "$path" || exit; done; done',
    );
    await assert.rejects(open({}, other).spawn(['true']), { name: 'UserError', message: strings.noLanguage() });
  });

  it('runs in the next language when the first one that the image has does not work', async () => {
    const other = await create();
    await workbench.shell(other, 'printf "#!/bin/sh\\nexit 1\\n" > "$(command -v python3)"');
    const process = await open({}, other).spawn(['sh', '-c', 'tr "\\0" " " < /proc/$PPID/cmdline']);
    assert.match(await text(process.stdout), /^node -e /);
  });

  it('is sent to a sandbox once', async () => {
    await (await open().spawn(['true'])).ended;
    const sentBytes = async () => {
      await workbench.server.control.resetCalls();
      await (await open().spawn(['true'])).ended;
      return (await workbench.server.control.calls()).TaskExecStdinWrite ?? 0;
    };
    // The command itself, and at most its credit and end.
    assert.ok((await sentBytes()) <= 3);
    const files = await workbench.shell(sandbox, 'ls /workspace/.modal-sync/channel');
    assert.match(files, /^[0-9a-f]{16}\.py\n$/);
  });
});
