import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npmStartRun } from '../helpers/npm-start.ts';
import { skipUnless } from '../helpers/skip.ts';
import { waitFor } from '../helpers/wait-for.ts';

const runTimeoutMs = 60_000;

describe('Input and signals of npm start -- --run', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'run-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("exits with the program's exit code, although it hasn't read its input, which has no end", async () => {
    const run = npmStartRun(['exit3.py'], undefined, 'pipe');
    run.running.child.stdin?.write('never read\n');
    assert.equal(await run.running.ended, 3, run.stderr());
  });

  it('gives the program what is piped to it, every byte, and then its end', async () => {
    const input = randomBytes(10_000_000);
    const program = `import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()); sys.exit(5)`;
    await writeFile(join(folder, 'hash.py'), program);
    const run = npmStartRun(['hash.py', folder], undefined, 'pipe');
    run.running.child.stdin?.end(input);
    assert.equal(await run.running.ended, 5, run.stderr());
    assert.ok(run.stdout().includes(createHash('sha256').update(input).digest('hex')), run.stdout());
  });

  it('leaves no process behind after SIGTERM', async function () {
    skipUnless(this, process.platform === 'linux', 'Remaining processes can be found only in /proc.');
    await writeFile(join(folder, 'sleep.py'), `import time\nprint('sleeping', flush=True)\ntime.sleep(9876)\n`);
    const { running, stdout, stderr } = npmStartRun(['sleep.py', folder]);
    const shows = (text: string) => text.includes('sleeping');
    await waitFor('the program to run', runTimeoutMs, async () => stdout() + stderr(), shows);
    const mentions = await processesThatMention(folder);
    assert.ok(mentions.length > 0);
    running.child.kill('SIGTERM');
    await running.ended;
    const none = (all: readonly string[]) => all.length === 0;
    await waitFor('every process of the run to end', 15_000, () => processesThatMention(folder), none);
  });
});

/** Returns the command lines of the processes that have `text` in their arguments or their environment. */
async function processesThatMention(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const read = (name: string) => readFile(join('/proc', pid, name), 'utf8').catch(() => '');
    const commandLine = await read('cmdline');
    if (commandLine.includes(text) || (await read('environ')).includes(text))
      found.push(commandLine.replaceAll('\0', ' '));
  }
  return found;
}
