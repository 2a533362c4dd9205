import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopLocalModal } from '../../scripts/vscode/stop-local-modal.ts';
import { strings } from '../../src/service/strings.ts';
import { npmStartRun, type StartRunOptions } from '../helpers/npm-start.ts';
import { skipUnless } from '../helpers/skip.ts';
import { waitFor } from '../helpers/wait-for.ts';

const runTimeoutMs = 60_000;

describe('npm start -- --run', () => {
  let outer: string;
  let home: string;
  let folder: string;
  before(async () => {
    outer = await mkdtemp(join(tmpdir(), 'run-'));
    home = join(outer, 'home');
    folder = join(outer, 'folder');
    await Promise.all([home, folder].map((path) => mkdir(path)));
  });
  after(async () => {
    await stopLocalModal(home);
    await rm(outer, { recursive: true });
  });

  const start = (args: readonly string[], options: Omit<StartRunOptions, 'home'> = {}) =>
    npmStartRun(args, { home, ...options });
  const ended = async (args: readonly string[], options?: Omit<StartRunOptions, 'home'>) => {
    const run = start(args, options);
    const exitCode = await run.running.ended;
    return { exitCode, stdout: run.stdout(), stderr: run.stderr() };
  };

  it('prints the output of a file in examples/hello, and exits with 0', async () => {
    const { exitCode, stdout, stderr } = await ended(['main.py', 'examples/hello']);
    assert.match(stdout, /^Python 3\.\d+\.\d+ on linux\r?$/m);
    assert.equal(exitCode, 0, stderr);
  });

  it('resolves a folder relative to the current directory, prints every byte, and exits with 1 after an exception', async () => {
    await writeFile(join(folder, 'bytes.py'), `print('ünï 😀 ' + 'x' * 100_000 + ' end')\nraise ValueError('no')`);
    const { exitCode, stdout, stderr } = await ended(['bytes.py', 'folder'], { from: outer });
    assert.ok(stdout.includes(`ünï 😀 ${'x'.repeat(100_000)} end`));
    assert.match(stderr, /Traceback \(most recent call last\)/);
    assert.equal(exitCode, 1);
  });

  it("exits with the program's exit code, although it hasn't read its input, which has no end", async () => {
    const run = start(['exit3.py'], { input: 'pipe' });
    run.running.child.stdin?.write('never read\n');
    assert.equal(await run.running.ended, 3, run.stderr());
  });

  it('gives the program what is piped to it, every byte, and then its end', async () => {
    const input = randomBytes(10_000_000);
    const program = `import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()); sys.exit(5)`;
    await writeFile(join(folder, 'hash.py'), program);
    const run = start(['hash.py', folder], { input: 'pipe' });
    run.running.child.stdin?.end(input);
    assert.equal(await run.running.ended, 5, run.stderr());
    assert.ok(run.stdout().includes(createHash('sha256').update(input).digest('hex')), run.stdout());
  });

  it('leaves no process behind after SIGTERM', async function () {
    skipUnless(this, process.platform === 'linux', 'Remaining processes can be found only in /proc.');
    const name = `${randomUUID()}.py`;
    await writeFile(join(folder, name), `import time\nprint('sleeping', flush=True)\ntime.sleep(9876)\n`);
    const { running, stdout, stderr } = start([name, folder]);
    const shows = (text: string) => text.includes('sleeping');
    await waitFor('the program to run', runTimeoutMs, async () => stdout() + stderr(), shows);
    // npm, the script, the command line, and the program itself.
    assert.ok((await processesThatMention(name)).length >= 4);
    running.child.kill('SIGTERM');
    await running.ended;
    const none = (all: readonly string[]) => all.length === 0;
    await waitFor('every process of the run to end', 15_000, () => processesThatMention(name), none);
  });

  it('says what to do with a file that nothing is known to run, and exits with a code of its own', async () => {
    await writeFile(join(folder, 'notes.xyz'), 'text');
    const { exitCode, stderr } = await ended(['notes.xyz', folder]);
    assert.ok(stderr.includes(strings.noRunner('notes.xyz', '.xyz')), stderr);
    assert.equal(exitCode, 125);
  });

  it("explains that a file doesn't exist, and exits with 1", async () => {
    const { exitCode, stdout, stderr } = await ended(['missing.py', 'examples/hello']);
    assert.match(stderr, /File missing\.py doesn't exist in .*examples.hello\./);
    assert.equal(stdout, '');
    assert.equal(exitCode, 1);
  });
});

/** Returns the command lines that mention a text. */
async function processesThatMention(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(text)).map((line) => line.replaceAll('\0', ' '));
}
