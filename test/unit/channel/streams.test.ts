import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import type { Sandbox } from 'modal';
import { LANGUAGE_NAMES, type LanguageName } from '../../../src/channel/boot.ts';
import { type Channel, Channels, type ListeningPort } from '../../../src/channel/channels.ts';
import type { Workbench } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { SENT_PIECE, SOCKET_PATH, startSandboxServer } from './sandbox-server.ts';

const MiB = 1024 * 1024;

describe('A channel into a sandbox', () => {
  let workbench: Workbench;
  let sandbox: Sandbox;
  let port: number;

  before(async () => {
    ({ workbench, sandbox, port } = await startSandboxServer());
  });
  after(() => workbench.server.stop());

  for (const language of LANGUAGE_NAMES) describe(`with a helper in ${language}`, () => streamsOf(language));

  function streamsOf(language: LanguageName): void {
    let channels: Channels;
    let channel: Channel;

    before(() => {
      channels = new Channels({ client: async () => workbench.modal, languages: [language] });
      channel = channels.of(sandbox, { owner: 'Test', reason: 'streams' });
    });
    after(() => channels.dispose());

    async function answer(line: string, input: string | Buffer = ''): Promise<Buffer> {
      const socket = await channel.connect({ port });
      socket.write(line);
      socket.end(input);
      return buffer(socket);
    }

    it('runs a command with its three streams, variables, and folder, and reports its exit code', async () => {
      const process = await channel.spawn(['sh', '-c', 'cat; pwd; echo "$A" >&2; exit 3'], {
        cwd: '/tmp',
        env: { A: 'é b' },
      });
      process.stdin.end('typed\n');
      assert.deepEqual(await Promise.all([text(process.stdout), text(process.stderr)]), ['typed\n/tmp\n', 'é b\n']);
      assert.deepEqual(await process.exit, { code: 3 });
      assert.ok((await process.pid) > 1);
    });

    it('reports the signal that ended a command, and sends signals to what it started', async () => {
      const process = await channel.spawn(['sh', '-c', 'sleep 1000 & echo $!; wait']);
      const [child] = await once(process.stdout, 'data');
      process.kill('SIGTERM');
      assert.deepEqual(await process.exit, { signal: 'SIGTERM' });
      await process.ended;
      await assert.rejects(channel.signal(Number(child), 'SIGTERM'), /doesn't exist in the sandbox/);
    });

    it('explains that a program, a folder, or a signaled process does not exist', async () => {
      const process = await channel.spawn(['no-such-program']);
      await assert.rejects(process.exit, /^UserError: no-such-program doesn't exist in the sandbox\.$/);
      const elsewhere = await channel.spawn(['true'], { cwd: '/no/such/folder' });
      await assert.rejects(elsewhere.pid, /doesn't exist in the sandbox/);
      await assert.rejects(channel.signal(99_999_999, 'SIGTERM'), /process 99999999 doesn't exist in the sandbox/);
    });

    for (const [name, target] of [
      ['127.0.0.1', () => ({ host: '127.0.0.1', port })],
      ['::1', () => ({ host: '::1', port })],
      ['no host', () => ({ port })],
      ['a Unix socket', () => ({ path: SOCKET_PATH })],
    ] as const)
      it(`connects to ${name}, and ends each direction separately`, async () => {
        const socket = await channel.connect(target());
        socket.write('hash\n');
        await socket.opened;
        socket.end('some bytes');
        assert.equal(await text(socket), createHash('sha256').update('some bytes').digest('hex'));
      });

    it('explains that nothing listens, that a socket does not exist, and that a host is not known', async () => {
      for (const [target, sentence] of [
        [{ port: 1 }, /^UserError: Nothing in the sandbox listens on port 1\.$/],
        [{ path: '/no.sock' }, /^UserError: \/no\.sock doesn't exist in the sandbox\.$/],
        [{ host: 'no-such-host.invalid', port: 80 }, /doesn't know the host of no-such-host\.invalid:80/],
      ] as const) {
        const socket = await channel.connect(target);
        const failed = once(socket, 'error');
        await assert.rejects(socket.opened, sentence);
        await failed;
      }
    });

    it('carries a large transfer each way with equal hashes', async () => {
      const bytes = Buffer.concat(Array.from({ length: (24 * MiB) / SENT_PIECE.length }, () => SENT_PIECE));
      const hash = createHash('sha256').update(bytes).digest('hex');
      assert.equal(String(await answer('hash\n', bytes)), hash);
      const received = await answer(`send ${bytes.length / SENT_PIECE.length}\n`);
      assert.equal(createHash('sha256').update(received).digest('hex'), hash);
    });

    // What differs between the languages shows with fewer, too.
    const count = language === 'python' ? 1000 : 200;
    it(`makes ${count} connections, 200 at a time`, async () => {
      let left = count;
      const work = async () => {
        while (left > 0) {
          const own = `connection ${left--}`;
          assert.equal(String(await answer('echo\n', own)), own);
        }
      };
      await Promise.all(Array.from({ length: 200 }, work));
      assert.equal(left, 0);
    });

    it('lets a reader go on beside one that stops, which then gets all of its bytes', async () => {
      const stopped = await channel.connect({ port });
      stopped.write('send 320\n');
      const process = await channel.spawn(['head', '-c', String(20 * MiB), '/dev/zero']);
      await once(stopped, 'readable');
      await once(process.stdout, 'readable');
      assert.equal((await answer('send 160\n')).length, 10 * MiB);
      assert.equal((await buffer(stopped)).length, 20 * MiB);
      assert.equal((await buffer(process.stdout)).length, 20 * MiB);
    });

    it('makes a writer wait for a program that does not read, beside one that does', async () => {
      const process = await channel.spawn(['sleep', '1000']);
      const bytes = Buffer.alloc(8 * MiB, 7);
      let hasWritten = false;
      process.stdin.end(bytes, () => {
        hasWritten = true;
      });
      assert.equal((await answer('echo\n', bytes)).length, bytes.length);
      assert.equal(hasWritten, false);
      process.kill('SIGKILL');
      await process.ended;
    });

    it('tells which ports programs listen on, and only when that changes', async () => {
      const seen: (readonly ListeningPort[])[] = [];
      const own = (ports: readonly ListeningPort[]) => ports.filter((each) => each.port === port);
      const watch = channel.watchPorts((ports) => seen.push(ports), { keepsOpen: true });
      const last = async () => seen.at(-1) ?? [];
      const first = await waitFor('the server', 15_000, last, (ports) => own(ports).length === 2);
      const addresses = own(first).map(({ address, command }) => [address, command?.slice(0, 10)]);
      assert.deepEqual(addresses.sort(), [
        ['127.0.0.1', 'python3 -c'],
        ['::1', 'python3 -c'],
      ]);
      const script = 'import socket\ns = socket.create_server(("", 0))\nprint(s.getsockname()[1], flush=True)\ninput()';
      const process = await channel.spawn(['python3', '-c', script]);
      const added = Number(String((await once(process.stdout, 'data'))[0]));
      const has = (ports: readonly ListeningPort[]) => ports.find((each) => each.port === added);
      const found = has(await waitFor('its port', 15_000, last, (ports) => has(ports) !== undefined));
      assert.deepEqual([found?.address, found?.pid], ['0.0.0.0', await process.pid]);
      process.kill('SIGKILL');
      await waitFor('no port', 15_000, last, (ports) => has(ports) === undefined);
      watch.dispose();
      for (const [at, ports] of seen.entries()) if (at > 0) assert.notDeepEqual(ports, seen[at - 1]);
    });

    it('follows a file that appears, grows, is cut off, and is replaced', async () => {
      const file = `/tmp/${language}.log`;
      const reader = await channel.tail(file, 'start');
      let read = '';
      reader.on('data', (bytes) => {
        read += bytes;
      });
      const shows = (wanted: string) =>
        waitFor(
          wanted,
          15_000,
          async () => read,
          (all) => all === wanted,
        );
      await workbench.shell(sandbox, `echo one > ${file}`);
      await shows('one\n');
      await workbench.shell(sandbox, `echo two >> ${file}`);
      await shows('one\ntwo\n');
      await workbench.shell(sandbox, `: > ${file}; sleep 0.6; echo three >> ${file}`);
      await shows('one\ntwo\nthree\n');
      await workbench.shell(sandbox, `echo four > ${file}.new; mv ${file}.new ${file}`);
      await shows('one\ntwo\nthree\nfour\n');
      reader.destroy();
      const folder = await channel.tail('/tmp');
      assert.match((await once(folder, 'error'))[0].message, /^\/tmp failed in the sandbox \(EINVAL\)\.$/);
    });

    it('leaves the shared descriptors blocking, so that no other program loses output', async () => {
      const process = await channel.spawn(['sh', '-c', 'grep -h flags: /proc/$PPID/fdinfo/0 /proc/$PPID/fdinfo/1']);
      const flags = (await text(process.stdout))
        .trim()
        .split(/\s+/)
        .filter((each) => /^\d/.test(each));
      assert.deepEqual(
        flags.map((each) => Number.parseInt(each, 8) & 0o4000),
        [0, 0],
      );
    });
  }
});
