import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { strings } from '../../src/providers/run/strings.ts';
import { npmStartRun } from '../helpers/npm-start.ts';

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

  it('resolves a folder relative to the current directory, prints every byte, and exits with 1 after an exception', async () => {
    await writeFile(join(folder, 'bytes.py'), `print('ünï 😀 ' + 'x' * 100_000 + ' end')\nraise ValueError('no')`);
    const { exitCode, stdout } = await ended(['bytes.py', basename(folder)], dirname(folder));
    assert.ok(stdout.includes(`ünï 😀 ${'x'.repeat(100_000)} end`));
    assert.match(stdout, /Traceback \(most recent call last\)/);
    assert.equal(exitCode, 1);
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
});
