import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeTests, prepareNodeDebugging } from '../../../src/testing/node.ts';
import { strings } from '../../../src/testing/strings.ts';
import type { TestKey } from '../../../src/testing/test-key.ts';
import { type TestPlace, type TestPlaceRun, testPlace } from './test-place.ts';

/** Another version of Node.js may be tried. */
const PROGRAM: [string] = [process.env.TESTED_NODE ?? 'node'];
const A = 'tests/a.test.js';
const OUTCOMES = `const { test, describe, it, before } = require('node:test');
const assert = require('node:assert');
test('passes', () => {});
test('compares', () => { assert.deepStrictEqual({ a: 1 }, { a: 2 }); });
test('throws', () => { undefined.x; });
test('has (regex) [chars] $^.*+?|{}\\\\ / "quotes" 日本', () => {});
test('is skipped', { skip: 'not today' }, () => {});
test('is left to do', { todo: 'later' }, () => { throw new Error('not yet'); });
test('has subtests', async (t) => {
  await t.test('good', () => {});
  await t.test('bad', () => { assert.strictEqual('one', 'two'); });
});
describe('group', () => {
  it('works', () => {});
  describe('inner', () => { it('works', async () => { await null; }); });
});
describe('twice', { concurrency: true }, () => {
  for (const each of ['one', 'two'])
    describe(each, () => { it('waits', () => new Promise((done) => setTimeout(done, 5))); it('is quick', () => {}); });
});
describe.skip('skipped group', () => { it('inside', () => {}); });
describe('without setup', () => {
  before(() => { throw new Error('no setup'); });
  it('never runs', () => {});
});
test('same name', () => { throw new Error('first'); });
test('same name', () => {});
`;

describe('Tests of Node.js on Local Modal', () => {
  let place: TestPlace;

  before(async () => {
    place = await testPlace({ hasPytest: false });
  });
  after(() => place?.dispose());
  afterEach(() => rm(join(place.folder.path, 'tests'), { recursive: true, force: true }));

  const run = ({ select = [[A]], ...options }: TestPlaceRun = {}) =>
    place.run({ framework: nodeTests, select, argv: PROGRAM, ...options });
  /** Returns the outcomes by all names of the tests. Before Node.js 22, groups have a result, too. */
  const byPath = ({ ended }: Awaited<ReturnType<typeof run>>) =>
    Object.fromEntries(
      [...ended].flatMap(([key, { outcome }]) => {
        const path = (JSON.parse(key) as string[]).slice(1).join(' > ');
        return outcome === 'passed' && /^(?:group|twice)(?: > (?:inner|one|two))?$/.test(path) ? [] : [[path, outcome]];
      }),
    );

  it('end with what Node.js says, with expected and actual values, frames, and reasons', async () => {
    await place.write({ [A]: OUTCOMES });
    const all = await run();
    assert.deepEqual(byPath(all), {
      passes: 'passed',
      compares: 'failed',
      throws: 'failed',
      'has (regex) [chars] $^.*+?|{}\\ / "quotes" 日本': 'passed',
      'is skipped': 'skipped',
      'is left to do': 'skipped',
      'has subtests > good': 'passed',
      'has subtests > bad': 'failed',
      'has subtests': 'failed',
      'group > works': 'passed',
      'group > inner > works': 'passed',
      'twice > one > waits': 'passed',
      'twice > one > is quick': 'passed',
      'twice > two > waits': 'passed',
      'twice > two > is quick': 'passed',
      'skipped group': 'skipped',
      'without setup': 'error',
      'without setup > never runs': 'error',
      'same name': 'failed',
    });
    const [compared] = all.resultOf(A, 'compares')?.failures ?? [];
    assert.deepEqual([compared?.actual, compared?.expected], ['{ a: 1 }', '{ a: 2 }']);
    assert.deepEqual(compared?.frames.at(-1)?.slice(0, 2), [`/workspace/${A}`, 4]);
    assert.match(all.resultOf(A, 'throws')?.failures[0]?.message ?? '', /^TypeError: Cannot read/);
    assert.equal(all.resultOf(A, 'is skipped')?.reason, 'not today');
    assert.match(all.resultOf(A, 'is left to do')?.reason ?? '', /^TODO: later: Error: not yet/);
    assert.equal(all.resultOf(A, 'without setup')?.failures[0]?.phase, 'setup');
    assert.deepEqual(
      all.found.filter(({ isPart }) => isPart).map(({ key }) => key.at(-1)),
      ['good', 'bad'],
    );
    assert.match(all.output, /passes/);
    assert.ok(!all.output.includes('\u001e') && all.isComplete, all.reason);
  });

  it('are selected one by one, by group, and by file, with any characters in their names', async () => {
    await place.write({
      [A]: OUTCOMES,
      'tests/b.test.mjs': "import test from 'node:test';\ntest('passes', () => {});\n",
      'tests/[c].test.js': "require('node:test')('in a file with brackets', () => {});\n",
      'tests/package/package.json': '{}',
      'tests/package/d.test.js': "require('node:test')('runs in ' + process.cwd(), () => {});\n",
    });
    const name = 'has (regex) [chars] $^.*+?|{}\\ / "quotes" 日本';
    const several = await run({
      select: [
        [A, name],
        [A, 'has subtests'],
        [A, 'group', 'inner', 'works'],
        ['tests/[c].test.js'],
        ['tests/package/d.test.js'],
      ],
    });
    const outcomes = byPath(several);
    // Before Node.js 22, a pattern knows only a test's own name, and hooks of other groups run.
    for (const extra of ['group > works', 'without setup', 'skipped group']) delete outcomes[extra];
    assert.deepEqual(outcomes, {
      [name]: 'passed',
      'has subtests': 'failed',
      'has subtests > good': 'passed',
      'has subtests > bad': 'failed',
      'group > inner > works': 'passed',
      'in a file with brackets': 'passed',
      'runs in /workspace/tests/package': 'passed',
    });
  });

  it('have a result or a reason when a file is broken or ends its process, next to 10 MB of output', async () => {
    await place.write({
      [A]: OUTCOMES,
      'tests/exits.test.js': `const { test } = require('node:test');
const later = () => new Promise((done) => setTimeout(done, 50));
test('before', later);
test('exits', async () => { await later(); process.exit(3); });
test('last', () => {});
`,
      'tests/killed.test.js': `require('node:test')('is killed', () => process.kill(process.pid, 'SIGKILL'));\n`,
      'tests/prints.test.js': `require('node:test')('prints', () => {
  for (let at = 0; at < 10_000; at += 1) console.log('x'.repeat(1023));
});
`,
      'tests/broken.test.mjs': "import test from 'node:test';\ntest('never', () => {}\n",
    });
    const files = ['exits', 'killed', 'prints', 'broken'].map((name): [string] => [
      `tests/${name}.test.${name === 'broken' ? 'mjs' : 'js'}`,
    ]);
    const ended = await run({ select: [...files, [A]] });
    assert.equal(ended.resultOf('tests/exits.test.js', 'before')?.outcome, 'passed');
    const [exit] = ended.resultOf('tests/exits.test.js', 'exits')?.failures ?? [];
    assert.equal(exit?.message, strings.fileEnded(3));
    assert.ok(!ended.results.has(['tests/exits.test.js', 'last']));
    assert.equal(ended.results.reasonOf(['tests/exits.test.js', 'last']), strings.fileEnded(3));
    assert.equal(ended.broken.get('tests/killed.test.js')?.message, strings.fileEndedBySignal('SIGKILL'));
    const broken = ended.broken.get('tests/broken.test.mjs');
    assert.equal(broken?.message, `${strings.fileEnded(1)}\nSyntaxError: missing ) after argument list`);
    assert.deepEqual(broken?.frames.at(-1)?.slice(0, 2), ['/workspace/tests/broken.test.mjs', 2]);
    assert.equal(ended.resultOf(A, 'passes')?.outcome, 'passed');
    assert.equal(ended.resultOf('tests/prints.test.js', 'prints')?.outcome, 'passed');
    assert.ok(ended.output.length > 10_000_000 && ended.isComplete);
  });

  it('have a result or a reason when the run is canceled', async () => {
    await place.write({
      [A]: `const { test } = require('node:test');
test('first', () => {});
test('waits', () => new Promise((done) => setTimeout(done, 600_000)));
test('last', () => {});
`,
    });
    const cancel = new AbortController();
    const canceled = await run({
      signal: cancel.signal,
      onStarted: (key) => key.at(-1) === 'waits' && cancel.abort(),
    });
    assert.deepEqual(byPath(canceled), { first: 'passed', waits: 'error' });
    assert.equal(canceled.resultOf(A, 'waits')?.failures[0]?.message, strings.canceled());
    assert.ok(!canceled.results.has([A, 'last']));
  });

  it('say why none has run when the sandbox has no Node.js, an option is wrong, or a file is gone', async () => {
    await place.write({ [A]: OUTCOMES });
    const none = await run({ argv: ['no-such-node'] });
    assert.deepEqual([none.ended.size, none.result.outcome], [0, 'failed']);
    assert.match(none.reason, /no-such-node/);
    const wrong = await run({ args: ['--no-such-option'] });
    assert.deepEqual([wrong.ended.size, wrong.reason], [0, strings.failedToStart(9)]);
    const gone = await run({ select: [['tests/gone.test.js']] });
    assert.deepEqual([gone.ended.size, gone.reason], [0, strings.failedToStart(5)]);
  });

  it('measure what they execute, by lines, branches, and functions', async () => {
    await place.write({
      [A]: "require('node:test')('sign', () => require('assert').equal(require('./sign.js')(2), 1));\n",
      'tests/sign.js':
        'module.exports = function sign(number) {\n  if (number < 0) {\n    return -1;\n  }\n  return 1;\n};\n',
    });
    const { covered } = await run({ hasCoverage: true });
    const { executed, missing, functions } = covered.find(({ file }) => file === 'tests/sign.js') ?? {};
    assert.deepEqual(
      [executed, missing],
      [
        [1, 2, 5, 6],
        [3, 4],
      ],
    );
    assert.deepEqual(functions, [['sign', 1, true]]);
  });

  it('can be debugged: the results come from a file', async () => {
    const key: TestKey = [A, 'passes'];
    await place.write({ [A]: OUTCOMES });
    const { launch, events } = await prepareNodeDebugging(place.sandbox, { select: [key] });
    const { args, env } = launch as { args: string[]; env: Record<string, string> };
    const run = await place.execute([...PROGRAM, ...args], env);
    assert.equal(run.exitCode, 0, run.output);
    const said = await place.execute(['cat', events]);
    assert.match(
      said.output,
      /"kind":"result","id":"\[\\"tests\/a.test.js\\",\\"passes\\"\]","ms":[\d.]+,"outcome":"passed"/,
    );
    assert.match(said.output, /"kind":"finish"/);
  });
});
