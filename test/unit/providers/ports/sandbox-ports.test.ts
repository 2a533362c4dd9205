import assert from 'node:assert/strict';
import { Channels } from '../../../../src/channel/channels.ts';
import { Forwards } from '../../../../src/channel/forwards.ts';
import { KeptForwards } from '../../../../src/providers/ports/kept-forwards.ts';
import { PortDetection } from '../../../../src/providers/ports/port-detection.ts';
import { PrintedUrls } from '../../../../src/providers/ports/printed-urls.ts';
import { type ListedPort, SandboxPorts } from '../../../../src/providers/ports/sandbox-ports.ts';
import { RunningCommands } from '../../../../src/run/running-commands.ts';
import { NO_FOLDER } from '../../../../src/sandboxes/folder.ts';
import { closedPort } from '../../../helpers/closed-port.ts';
import { type RunningLocalModal, startLocalModal } from '../../../helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../../../helpers/sessions.ts';

/** A state of VS Code, in memory. */
function memory() {
  const values = new Map<string, unknown>();
  return {
    get: (key: string) => values.get(key) as never,
    update: async (key: string, value: unknown) => void values.set(key, structuredClone(value)),
  };
}

describe('The ports that a profile names', () => {
  let server: RunningLocalModal;

  before(async () => {
    server = await startLocalModal();
  });
  after(() => server.stop());

  it('are listed before anything listens, and get their fixed number on this computer, also without network access', async () => {
    const localPort = await closedPort();
    const starter = starterOf(() => accountOf(server));
    const sessions = sessionsOf(starter, {
      image: 'python:3.13-slim',
      hostVolume: false,
      offline: true,
      ports: [{ port: 5173, visibility: 'private', label: 'Dev server', localPort }],
    });
    const channels = new Channels({ client: async () => (await sessions.connection()).client });
    const forwards = new Forwards(channels);
    const commands = new RunningCommands();
    const printed = new PrintedUrls(commands);
    const kept = new KeptForwards(memory());
    const detection = new PortDetection({
      channels,
      commands,
      isEnabled: () => true,
      findSandbox: (id) => sessions.find(id),
    });
    const ports = new SandboxPorts({ sessions, forwards, detection, printed, kept });
    const { sandbox } = await sessions.acquire(NO_FOLDER);
    const { sandboxId } = sandbox;
    const shown = async () =>
      (await ports.in(sandboxId)).map(({ target, label, forward }: ListedPort) => [target, label, forward?.localPort]);
    assert.deepEqual(await shown(), [[{ port: 5173 }, 'Dev server', undefined]]);

    const forward = await ports.forward({ sandboxId, target: { port: 5173 } });
    await ports.forward({ sandboxId, target: { path: '/tmp/app.sock' } });
    const { localPort: another } = await ports.forward({ sandboxId, target: { port: 80 } });
    const rows = await shown();
    assert.deepEqual(rows.slice(0, 2), [
      [{ port: 80 }, undefined, another],
      [{ port: 5173 }, 'Dev server', localPort],
    ]);
    assert.deepEqual(rows[2]?.[0], { path: '/tmp/app.sock' });
    assert.equal(ports.urlOf(forward), `http://127.0.0.1:${localPort}/`);

    forwards.forget(sandboxId);
    await ports.resume(sandboxId, sandboxId);
    const [again, ...others] = forwards.in(sandboxId);
    assert.deepEqual([again, others.length], [forward, 2], 'the sandbox was resumed');
    await kept.remove(forward);
    assert.equal(kept.of(sandboxId).length, 2, 'a forward that the user stops is forgotten');

    await sessions.dispose();
    for (const each of [forwards, detection, ports, channels]) each.dispose();
  });
});
