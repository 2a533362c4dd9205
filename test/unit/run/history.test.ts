import assert from 'node:assert/strict';
import { describePastRun, RunHistory } from '../../../src/run/history.ts';
import { CANCELED, exited } from '../../../src/run/result.ts';

function memory(initial?: unknown) {
  let stored = initial;
  return {
    get: () => stored,
    update: async (_key: string, value: unknown) => {
      // VS Code stores values as JSON.
      stored = JSON.parse(JSON.stringify(value));
    },
  };
}

describe('RunHistory', () => {
  it('lists the newest run first, with everything needed to repeat it', async () => {
    const history = new RunHistory(memory());
    await history.add('a.py', { uri: 'file:///a.py', args: '--fast' }, Date.now() - 1500, exited(0));
    await history.add(
      'build',
      { uri: 'file:///package.json', target: { kind: 'packageScript', line: 3, name: 'build' } },
      Date.now(),
      { outcome: 'failed', error: 'No.' },
    );
    const [newest, oldest] = history.runs;
    assert.deepEqual(newest?.target, { kind: 'packageScript', line: 3, name: 'build' });
    assert.match(describePastRun(newest), /^No\. · \d+ ms$/);
    assert.deepEqual([oldest?.label, oldest?.args], ['a.py', '--fast']);
    assert.match(oldest ? describePastRun(oldest) : '', /^exit code 0 · 1\.\d s$/);
  });

  it("remembers a file's arguments even after a run without arguments", async () => {
    const history = new RunHistory(memory());
    await history.add('a.py', { uri: 'file:///a.py', args: 'x y' }, 0, exited(0));
    await history.add('a.py', { uri: 'file:///a.py' }, 0, exited(0));
    assert.equal(history.argsOf('file:///a.py'), 'x y');
    assert.equal(history.argsOf('file:///b.py'), '');
  });

  it("keeps 50 runs and skips entries that aren't valid", async () => {
    const history = new RunHistory(memory(['nonsense', { label: 3 }]));
    assert.equal(history.runs.length, 0);
    for (let at = 0; at < 60; at += 1) await history.add(`${at}`, { uri: 'file:///a' }, at, CANCELED);
    const labels = history.runs.map(({ label }) => label);
    assert.deepEqual([labels.length, labels[0]], [50, '59']);
  });

  it("doesn't fail a run that can't be saved", async () => {
    const full = { get: () => undefined, update: () => Promise.reject(new Error('ENOSPC')) };
    await new RunHistory(full).add('a.py', { uri: 'file:///a.py' }, 0, exited(0));
  });
});
