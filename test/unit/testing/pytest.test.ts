import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { preparePytestDebugging } from '../../../src/testing/pytest.ts';
import { strings } from '../../../src/testing/strings.ts';
import type { TestKey } from '../../../src/testing/test-key.ts';
import { hasPytest, NO_PYTEST } from '../../helpers/pytest.ts';
import { skipUnless } from '../../helpers/skip.ts';
import { type TestPlace, testPlace } from './test-place.ts';

const OUTCOMES = `import pytest

@pytest.fixture
def no_setup():
    raise RuntimeError("no setup")

@pytest.fixture
def no_teardown():
    yield
    raise RuntimeError("no teardown")

def test_passes():
    print("a text")

def test_compares():
    values = [1, 2, 3]
    assert values == [1, 2, 4]

def test_has_no_setup(no_setup):
    pass

def test_has_no_teardown(no_teardown):
    pass

@pytest.mark.skip(reason="not today")
def test_is_skipped():
    pass

@pytest.mark.xfail(reason="known")
def test_is_expected_to_fail():
    assert False

class TestGroup:
    class TestInner:
        @pytest.mark.parametrize("value", ["a b", "x::y", "[[z]]", "日本", "new\\nline", "/"])
        def test_cases(self, value):
            assert value != "x::y"
`;

describe('Tests of pytest on Local Modal', () => {
  let place: TestPlace;

  before(async function () {
    skipUnless(this, hasPytest, NO_PYTEST);
    place = await testPlace();
  });
  after(() => place?.dispose());
  afterEach(() => rm(join(place.folder.path, 'tests'), { recursive: true, force: true }));

  it('are found with their groups, cases, and lines, and none is run', async () => {
    await place.write({ 'tests/test_a.py': OUTCOMES, 'tests/test_broken.py': 'import nothing_of_this_name\n' });
    const { found, ended, broken, isComplete, project } = await place.run({ isDiscovery: true });
    const key = ['tests/test_a.py', 'TestGroup', 'TestInner', 'test_cases', 'test_cases[x::y]'];
    const names = found.map(({ key: each }) => each.slice(1).join(' '));
    assert.deepEqual(names.slice(0, 2), ['test_passes', 'test_compares']);
    assert.equal(found.length, 12);
    assert.deepEqual(found.find(({ id }) => id.endsWith('x::y]'))?.key, key);
    assert.equal(found[0]?.line, 11);
    assert.equal(ended.size, 0);
    assert.match(broken.get('tests/test_broken.py')?.message ?? '', /nothing_of_this_name/);
    assert.deepEqual(broken.get('tests/test_broken.py')?.frames.at(-1)?.slice(0, 2), [
      '/workspace/tests/test_broken.py',
      1,
    ]);
    assert.equal(project?.root, '/workspace');
    assert.ok(isComplete);
  });

  it('end with what pytest says, with expected and actual values, frames, reasons, and output', async () => {
    await place.write({ 'tests/test_a.py': OUTCOMES });
    const { outcomes, resultOf, output, isComplete, started } = await place.run();
    assert.deepEqual(outcomes(), {
      test_passes: 'passed',
      test_compares: 'failed',
      test_has_no_setup: 'error',
      test_has_no_teardown: 'error',
      test_is_skipped: 'skipped',
      test_is_expected_to_fail: 'xfailed',
      'test_cases[a b]': 'passed',
      'test_cases[x::y]': 'failed',
      'test_cases[[[z]]]': 'passed',
      'test_cases[\\u65e5\\u672c]': 'passed',
      'test_cases[new\\nline]': 'passed',
      'test_cases[/]': 'passed',
    });
    assert.equal(started.length, 12);
    const [failure] = resultOf('tests/test_a.py', 'test_compares')?.failures ?? [];
    assert.deepEqual([failure?.actual, failure?.expected], ['[1, 2, 3]', '[1, 2, 4]']);
    assert.deepEqual(failure?.frames, [['/workspace/tests/test_a.py', 17, 'test_compares']]);
    assert.match(failure?.message ?? '', /^assert \[1, 2, 3\] == \[1, 2, 4\]/);
    assert.equal(resultOf('tests/test_a.py', 'test_has_no_teardown')?.failures[0]?.phase, 'teardown');
    assert.equal(resultOf('tests/test_a.py', 'test_is_skipped')?.reason, 'Skipped: not today');
    assert.equal(resultOf('tests/test_a.py', 'test_passes')?.output, 'a text\n');
    assert.match(output, /2 failed, 7 passed, 1 skipped, 1 xfailed, 2 errors/);
    assert.ok(!output.includes('\u001e') && isComplete);
  });

  it('are selected one by one, by group, and by file, each once', async () => {
    await place.write({ 'tests/test_a.py': OUTCOMES, 'tests/test_b.py': 'def test_b(): pass\n' });
    const group = ['tests/test_a.py', 'TestGroup', 'TestInner', 'test_cases'] as const;
    const one = await place.run({ select: [[...group, 'test_cases[\\u65e5\\u672c]']] });
    assert.deepEqual(one.outcomes(), { 'test_cases[\\u65e5\\u672c]': 'passed' });
    const several = await place.run({ select: [['tests/test_b.py'], group, [...group, 'test_cases[/]']] });
    assert.equal(several.started.length, 7);
    assert.match(several.output, /1 failed, 6 passed, 6 deselected/);
  });

  it('have a result or a reason when the process ends on its own', async () => {
    await place.write({
      'tests/test_a.py': `import os
def test_first(): pass
def test_exits(): os._exit(3)
def test_last(): pass
`,
    });
    const ended = await place.run();
    assert.deepEqual(ended.outcomes(), { test_first: 'passed', test_exits: 'error' });
    assert.equal(ended.resultOf('tests/test_a.py', 'test_exits')?.failures[0]?.message, strings.endedEarly(3));
    assert.ok(!ended.results.has(['tests/test_a.py', 'test_last']));
    assert.equal(ended.isComplete, false);
  });

  it('are told apart in the processes of xdist, one of which crashes', async () => {
    await place.write({
      'tests/test_a.py': `import os, pytest
@pytest.mark.parametrize("number", range(10))
def test_many(number): assert number != 4
def test_exits(): os._exit(3)
`,
      'tests/test_b.py': 'def test_other(): pass\n',
    });
    const ended = await place.run({ select: [['tests/test_a.py']], args: ['-n2'] });
    const outcomes = ended.outcomes();
    assert.equal(Object.keys(outcomes).length, 11, JSON.stringify(outcomes));
    assert.deepEqual([outcomes['test_many[4]'], outcomes['test_many[5]']], ['failed', 'passed']);
    assert.equal(outcomes.test_exits, 'error');
    assert.deepEqual(ended.found.find(({ id }) => id.includes('[4]'))?.key.slice(1), ['test_many', 'test_many[4]']);
  });

  it('are found where the project says, whatever files are selected', async () => {
    await place.write({
      'tests/pytest.ini': '[pytest]\naddopts = -q --strict-markers -p no:cacheprovider\npython_files = check_*.py\n',
      'tests/conftest.py': 'import pytest\n@pytest.fixture\ndef value(): return 1\n',
      'tests/one/check_same.py': 'def test_a(value): assert value == 1\n',
      'tests/two/check_other.py': 'def test_b(value): assert value == 2\n',
    });
    const all = await place.run({ args: ['-c', 'tests/pytest.ini', '--rootdir', 'tests', 'tests'] });
    assert.deepEqual(all.outcomes(), { test_a: 'passed', test_b: 'failed' });
    assert.deepEqual(
      all.found.map(({ key }) => key[0]),
      ['tests/one/check_same.py', 'tests/two/check_other.py'],
    );
    assert.deepEqual(all.project, { root: '/workspace/tests', ini: '/workspace/tests/pytest.ini' });
    const one = await place.run({ select: [['tests/two/check_other.py']], project: all.project });
    assert.deepEqual(one.outcomes(), { test_b: 'failed' });
    assert.deepEqual(one.project, all.project);
  });

  it('measure what they execute, by lines and branches, in one process', async () => {
    await place.write({
      'tests/test_a.py': 'from code_of_test import sign\ndef test_sign(): assert sign(2) == 1\n',
      'tests/code_of_test.py': 'def sign(number):\n    if number < 0:\n        return -1\n    return 1\n',
    });
    const { covered, outcomes } = await place.run({ hasCoverage: true, args: ['-n2'] });
    assert.deepEqual(outcomes(), { test_sign: 'passed' });
    const { executed, missing, branches } = covered.find(({ file }) => file === 'tests/code_of_test.py') ?? {};
    assert.deepEqual([executed, missing], [[1, 2, 4], [3]]);
    assert.deepEqual(branches, [
      [2, 4, true],
      [2, 3, false],
    ]);
    assert.ok(!covered.some(({ file }) => file.startsWith('.modal-sync')));
  });

  it('have a result or a reason when the run is canceled or killed', async () => {
    await place.write({
      'tests/test_a.py': `import os, signal, time
def test_first(): pass
def test_waits(): time.sleep(600)
def test_kills(): os.kill(os.getpid(), signal.SIGKILL)
def test_last(): pass
`,
    });
    const cancel = new AbortController();
    const canceled = await place.run({
      signal: cancel.signal,
      onStarted: (key) => key.at(-1) === 'test_waits' && cancel.abort(),
    });
    assert.deepEqual(canceled.outcomes(), { test_first: 'passed', test_waits: 'error' });
    assert.equal(canceled.resultOf('tests/test_a.py', 'test_waits')?.failures[0]?.message, strings.canceled());
    const killed = await place.run({
      select: [
        ['tests/test_a.py', 'test_kills'],
        ['tests/test_a.py', 'test_last'],
      ],
    });
    assert.deepEqual(killed.outcomes(), { test_kills: 'error' });
    const [failure] = killed.resultOf('tests/test_a.py', 'test_kills')?.failures ?? [];
    assert.equal(failure?.message, strings.endedBySignal('SIGKILL'));
  });

  it('say why none has run when a conftest exits, a file is gone, or an option is wrong', async () => {
    await place.write({ 'tests/test_a.py': 'def test_a(): pass\n' });
    const gone = await place.run({ select: [['tests/test_gone.py']] });
    assert.deepEqual([gone.ended.size, gone.reason], [0, strings.failedToStart(5)]);
    const missing = await place.run({ select: [['tests/test_a.py', 'test_gone']] });
    assert.deepEqual([missing.ended.size, missing.reason], [0, strings.notStarted()]);
    const wrong = await place.run({ args: ['--no-such-option'] });
    assert.deepEqual([wrong.ended.size, wrong.reason], [0, strings.failedToStart(4)]);
    assert.match(wrong.output, /--no-such-option/);
    await place.write({ 'tests/conftest.py': 'import os\nos._exit(7)\n' });
    const exited = await place.run();
    assert.deepEqual([exited.ended.size, exited.reason, exited.isComplete], [0, strings.failedToStart(7), false]);
  });

  it('may print 10 MB, of which the result keeps the ends', async () => {
    await place.write({
      'tests/test_a.py':
        'import sys\ndef test_prints():\n    for _ in range(10000): sys.stdout.write("x" * 1023 + "\\n")\n    print("the end")\n',
    });
    const { outcomes, resultOf } = await place.run();
    assert.deepEqual(outcomes(), { test_prints: 'passed' });
    const output = resultOf('tests/test_a.py', 'test_prints')?.output ?? '';
    assert.ok(output.length < 50_000 && output.endsWith('the end\n'), `${output.length}`);
  });

  it('are not run without pytest, which is named with its interpreter', async () => {
    await place.write({ 'tests/test_a.py': 'def test_a(): pass\n' });
    const { missing, reason } = await place.run({ packages: '/nowhere' });
    assert.equal(missing?.name, 'pytest');
    assert.match(missing?.python ?? '', /python3/);
    assert.equal(reason, strings.noRunner('pytest'));
  });

  it('can be debugged: the results come from a file, also with the sandbox’s own PYTHONPATH', async () => {
    await place.write({ 'tests/test_a.py': 'import os\ndef test_a(): assert not os.environ["PYTHONPATH"]\n' });
    const { launch, events } = await preparePytestDebugging(place.sandbox, { select: [['tests/test_a.py']] });
    const { args, env } = launch as { args: string[]; env: Record<string, string> };
    const run = await place.execute(['python3', '-m', 'pytest', ...args], env);
    // A debugger would stop at another exit code.
    assert.deepEqual([run.exitCode, /1 failed/.test(run.output)], [0, true], run.output);
    const said = await place.execute(['cat', events]);
    const kinds = [...said.output.matchAll(/"kind": "(\w+)"/g)].map(([, kind]) => kind);
    assert.deepEqual(kinds, ['session', 'tests', 'collected', 'start', 'result', 'finish']);
  });

  it('run in several sandboxes at once, which are gone afterwards', async () => {
    const names = ['a', 'b', 'c', 'd'].map((name) => `test_${name}`);
    await place.write({
      'tests/test_a.py': names.map((name) => `def ${name}(): assert "${name}" != "test_c"\n`).join(''),
    });
    const keys = names.map((name): TestKey => ['tests/test_a.py', name]);
    const { outcomes, status } = await place.run({ groups: [keys.slice(0, 2), keys.slice(2)] });
    assert.deepEqual(outcomes(), { test_a: 'passed', test_b: 'passed', test_c: 'failed', test_d: 'passed' });
    assert.match(status, /Started 2 sandboxes from one snapshot/);
    const { sandboxes } = await place.server.control.running();
    assert.equal(sandboxes.length, 1);
  });

  it('have a result or a reason when their sandbox is lost', async () => {
    await place.write({
      'tests/test_a.py': 'import time\ndef test_waits(): time.sleep(600)\ndef test_last(): pass\n',
    });
    const lost = await place.run({ onStarted: () => place.sandbox.terminate() });
    assert.deepEqual(lost.outcomes(), { test_waits: 'error' });
    assert.ok(lost.result.outcome === 'failed' && lost.reason === lost.result.error, lost.reason);
  });
});
