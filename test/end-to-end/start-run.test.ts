import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { strings } from '../../src/providers/run/strings.ts';
import { npmStartRun } from '../helpers/npm-start.ts';
import { skipUnless } from '../helpers/skip.ts';
import { waitFor } from '../helpers/wait-for.ts';

const runTimeoutMs = 60_000;

describe('npm start -- --run', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'run-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function ended(args: readonly string[], from?: string) {
    const run = npmStartRun(args, from);
    const exitCode = await run.running.ended;
    return { exitCode, stdout: run.stdout(), stderr: run.stderr() };
  }

  it('prints the output of a file in examples/hello, and exits with 0', async () => {
    const { exitCode, stdout, stderr } = await ended(['main.py', 'examples/hello']);
    assert.match(stdout, /^Python 3\.\d+\.\d+ on linux\r?$/m);
    assert.equal(exitCode, 0, stderr);
  });

  it("exits with the program's exit code", async () => {
    const { exitCode, stderr } = await ended(['exit3.py']);
    assert.equal(exitCode, 3, stderr);
  });

  it('shows an uncaught exception, and exits with 1', async () => {
    const { exitCode, stdout } = await ended(['crash.py']);
    assert.match(stdout, /Traceback \(most recent call last\)/);
    assert.equal(exitCode, 1);
  });

  it('resolves a folder relative to the current directory, and prints every byte of the output', async () => {
    await writeFile(join(folder, 'bytes.py'), `print('ünï 😀 ' + 'x' * 100_000 + ' end')`);
    const { exitCode, stdout, stderr } = await ended(['bytes.py', basename(folder)], dirname(folder));
    assert.equal(exitCode, 0, stderr);
    assert.ok(stdout.includes(`ünï 😀 ${'x'.repeat(100_000)} end`));
  });

  it('declines a question that no one sees, and exits with 1', async () => {
    await writeFile(join(folder, 'notes.xyz'), 'text');
    const { exitCode, stderr } = await ended(['notes.xyz', folder]);
    const asked = strings.runnerTitle('notes.xyz');
    assert.ok(stderr.includes(`VS Code asked: “${asked}” To answer, open the folder with npm start.`), stderr);
    assert.equal(exitCode, 1);
  });

  it("explains that a file doesn't exist, and exits with 1", async () => {
    const { exitCode, stdout, stderr } = await ended(['missing.py', 'examples/hello']);
    assert.match(stderr, /File missing\.py doesn't exist in .*examples.hello\./);
    assert.equal(stdout, '');
    assert.equal(exitCode, 1);
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
