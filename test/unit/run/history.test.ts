import assert from 'node:assert/strict';
import { outcomeOf, RunHistory } from '../../../src/run/history.ts';
import { CANCELED, exited } from '../../../src/run/result.ts';

function memory(initial?: unknown) {
  let stored = initial;
  return {
    get: () => stored,
    update: async (_key: string, value: unknown) => {
      // As VS Code does: what is kept is JSON.
      stored = JSON.parse(JSON.stringify(value));
    },
  };
}

describe('the run history', () => {
  it('has the newest run first, with all that is needed to do it again', async () => {
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
    assert.match(outcomeOf(newest), /^No\. · \d+ ms$/);
    assert.deepEqual([oldest?.label, oldest?.args], ['a.py', '--fast']);
    assert.match(oldest ? outcomeOf(oldest) : '', /^exit code 0 · 1\.\d s$/);
  });

  it('remembers a file’s arguments, also after a run without any word of them', async () => {
    const history = new RunHistory(memory());
    await history.add('a.py', { uri: 'file:///a.py', args: 'x y' }, 0, exited(0));
    await history.add('a.py', { uri: 'file:///a.py' }, 0, exited(0));
    assert.equal(history.argsOf('file:///a.py'), 'x y');
    assert.equal(history.argsOf('file:///b.py'), '');
  });

  it('keeps fifty, and leaves out what cannot be read', async () => {
    const history = new RunHistory(memory(['nonsense', { label: 3 }]));
    assert.equal(history.runs.length, 0);
    for (let at = 0; at < 60; at += 1) await history.add(`${at}`, { uri: 'file:///a' }, at, CANCELED);
    const kept = history.runs.map(({ label }) => label);
    assert.deepEqual([kept.length, kept[0]], [50, '59']);
  });
});
