import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Exec } from '../../../local/execs/exec.ts';
import { Pipes } from '../../../local/execs/pipes.ts';
import { SpoolFiles } from '../../../local/execs/spool-files.ts';
import type { Container } from '../../../local/isolation/container.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const MiB = 1024 * 1024;

describe('The output of a command whose disk stalls', () => {
  let folder: string;
  const { write } = SpoolFiles.prototype;
  let disk = Promise.withResolvers<void>();
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'stalled-'));
  });
  beforeEach(() => {
    disk = Promise.withResolvers();
    SpoolFiles.prototype.write = async function (this: SpoolFiles, ...args) {
      await disk.promise;
      return write.apply(this, args);
    };
  });
  afterEach(() => disk.resolve());
  after(() => {
    SpoolFiles.prototype.write = write;
    rmSync(folder, { recursive: true });
  });

  /** Starts a command outside of any sandbox. */
  function start(script: string): Promise<Exec> {
    const container = {
      spawn: async ({ stdio: [...stdio] }) => {
        const child = spawn('sh', ['-c', script], { stdio });
        const exited = once(child, 'exit').then(([code]) => ({ code: code as number }));
        return { exited, kill: () => void child.kill('SIGKILL') };
      },
    } as Pick<Container, 'spawn'> as Container;
    const spec = { argv: ['sh'], env: {}, workdir: '/', keep: { stdout: true, stderr: true } };
    return Exec.start(container, new Pipes(folder), join(folder, 'out'), spec, () => {});
  }

  async function textOf(spool: Exec['stdout']): Promise<string> {
    const parts: Buffer[] = [];
    for await (const { data } of spool.read(0, AbortSignal.timeout(20_000))) parts.push(Buffer.from(data));
    return Buffer.concat(parts).toString();
  }

  /** What isn't on the disk when a command has to wait for it. */
  const FULL = 4 * MiB + 1;
  for (const [stream, rest] of [
    ['stdout', 0],
    ['stdout', 1],
    ['stdout', 40_000],
    ['stderr', 20_000],
  ] as const) {
    it(`is whole: ${rest} bytes that are in the pipe of ${stream} at its end, long before the disk moves`, async () => {
      const fill = (bytes: number) => `head -c ${bytes} /dev/zero | tr '\\0' x`;
      const exec = await start(
        `{ ${fill(FULL)}; read -r go; ${fill(rest)}; printf end; } ${stream === 'stderr' ? '>&2' : ''}`,
      );
      const isFull = (bytes: number) => bytes === FULL;
      await waitFor('the output to wait for the disk', 5_000, async () => exec[stream].keptBytes, isFull);
      await exec.stdin.write(0, Buffer.from('go\n'), true);
      assert.deepEqual(await exec.ended, { code: 0 });
      disk.resolve();
      const text = await textOf(exec[stream]);
      assert.deepEqual([text.length, text.slice(-3)], [FULL + rest + 3, 'end']);
      await exec.dispose();
    });
  }

  it('ends with the command, although what it has left behind goes on and waits for the disk', async () => {
    const exec = await start('(yes) & printf begun; exit 3');
    assert.deepEqual(await exec.ended, { code: 3 });
    disk.resolve();
    await exec.dispose();
  });
});
