import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { preparePytestDebugging } from '../../../src/testing/pytest.ts';
import { strings } from '../../../src/testing/strings.ts';
import { type TestPlace, type TestPlaceRun, testPlace } from './test-place.ts';

const A = 'tests/test_a.py';
const OUTCOMES = `import unittest

class Cases(unittest.TestCase):
    def test_passes(self): pass
    def test_compares(self):
        self.assertEqual([1, 2], [1, 3])
    def test_raises(self): raise ValueError("no value")
    @unittest.skip("not today")
    def test_is_skipped(self): pass
    @unittest.expectedFailure
    def test_is_expected_to_fail(self): self.fail()
    @unittest.expectedFailure
    def test_is_not_expected_to_pass(self): pass
    def test_has_subtests(self):
        for number in range(3):
            with self.subTest("number", number=number):
                if number == 2: self.skipTest("too much")
                self.assertEqual(number, 0)

class NoSetup(unittest.TestCase):
    def setUp(self): raise RuntimeError("no setup")
    def test_a(self): pass

class NoClass(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise RuntimeError("no class")
    def test_b(self): pass

class NoEnd(unittest.TestCase):
    @classmethod
    def tearDownClass(cls): raise RuntimeError("no end")
    def test_c(self): pass

class Later(unittest.IsolatedAsyncioTestCase):
    async def test_d(self): print("a text")
`;

describe('Tests of unittest on Local Modal', () => {
  let place: TestPlace;

  before(async () => {
    place = await testPlace({ hasPytest: false });
  });
  after(() => place?.dispose());
  afterEach(() => rm(join(place.folder.path, 'tests'), { recursive: true, force: true }));

  /** Runs tests in a Python without installed packages. */
  const run = (options: TestPlaceRun = {}) =>
    place.run({ argv: ['python3', '-S', '-u'], packages: '/nowhere', ...options });

  it('end with what unittest says, with expected and actual values, frames, and reasons', async () => {
    await place.write({
      [A]: OUTCOMES,
      'tests/one/test_module.py':
        'import unittest\ndef setUpModule(): raise RuntimeError("no module")\nclass Cases(unittest.TestCase):\n    def test_e(self): pass\n',
      'tests/two/__init__.py': '',
      'tests/two/own.py': '',
      'tests/two/test_module.py':
        'import unittest\nfrom . import own\nclass Cases(unittest.TestCase):\n    def test_f(self): pass\n',
      'tests/two/test_broken.py': 'import unittest\nclass Cases(unittest.TestCase)\n',
    });
    const all = await run();
    assert.deepEqual(all.outcomes(), {
      test_passes: 'passed',
      test_compares: 'failed',
      test_raises: 'failed',
      test_is_skipped: 'skipped',
      test_is_expected_to_fail: 'xfailed',
      test_is_not_expected_to_pass: 'failed',
      'number (number=0)': 'passed',
      'number (number=1)': 'failed',
      'number (number=2)': 'skipped',
      test_has_subtests: 'failed',
      test_a: 'error',
      test_b: 'error',
      test_c: 'error',
      test_d: 'passed',
      test_e: 'error',
      test_f: 'passed',
    });
    const [compared] = all.resultOf(A, 'Cases', 'test_compares')?.failures ?? [];
    assert.deepEqual([compared?.actual, compared?.expected], ['[1, 2]', '[1, 3]']);
    assert.deepEqual(compared?.frames, [[`/workspace/${A}`, 6, 'test_compares']]);
    assert.equal(all.resultOf(A, 'Cases', 'test_is_skipped')?.reason, 'not today');
    assert.equal(all.resultOf(A, 'NoSetup', 'test_a')?.failures[0]?.phase, 'setup');
    assert.match(all.resultOf(A, 'NoClass', 'test_b')?.failures[0]?.message ?? '', /no class/);
    assert.equal(all.resultOf(A, 'NoEnd', 'test_c')?.failures[0]?.phase, 'teardown');
    assert.equal(all.found.find(({ key }) => key.at(-1) === 'test_raises')?.line, 6);
    assert.deepEqual(all.broken.get('tests/two/test_broken.py')?.frames, [
      ['/workspace/tests/two/test_broken.py', 2, ''],
    ]);
    assert.match(all.output, /a text/);
    assert.ok(all.isComplete, all.reason);
  });

  it('are found, selected, and end with a reason when one ends the process', async () => {
    await place.write({
      [A]: OUTCOMES,
      'tests/test_exits.py':
        'import os, unittest\nclass Cases(unittest.TestCase):\n    def test_1(self): print("x" * 10_000_000)\n    def test_2(self): os._exit(3)\n    def test_3(self): pass\n',
    });
    const listed = await run({ isDiscovery: true });
    assert.deepEqual([listed.found.length, listed.started.length, listed.isComplete], [14, 0, true]);
    const one = await run({
      select: [
        [A, 'Cases', 'test_passes'],
        [A, 'Later'],
      ],
    });
    assert.deepEqual(one.outcomes(), { test_passes: 'passed', test_d: 'passed' });
    const ended = await run({ select: [['tests/test_exits.py']] });
    assert.deepEqual(ended.outcomes(), { test_1: 'passed', test_2: 'error' });
    const [exit] = ended.resultOf('tests/test_exits.py', 'Cases', 'test_2')?.failures ?? [];
    assert.equal(exit?.message, strings.endedEarly(3));
    assert.ok(ended.output.length > 10_000_000 && !ended.isComplete);
  });

  it('need pytest if some of them are for pytest', async () => {
    await place.write({ [A]: OUTCOMES, 'tests/test_b.py': 'def test_b(): pass\n' });
    assert.equal((await run()).missing?.name, 'pytest');
    assert.deepEqual((await run({ select: [[A, 'Later']] })).outcomes(), { test_d: 'passed' });
  });

  it('can be debugged: the results come from a file', async function () {
    if ((await place.execute(['python3', '-c', 'import pytest'])).exitCode === 0) this.skip();
    await place.write({ [A]: OUTCOMES });
    const { launch, events } = await preparePytestDebugging(place.sandbox, {
      select: [[A, 'Cases', 'test_passes']],
    });
    const { module, args, env } = launch as { module: string; args: string[]; env: Record<string, string> };
    const ended = await place.execute(['python3', '-m', module, ...args], env);
    assert.equal(ended.exitCode, 0, ended.output);
    const said = await place.execute(['cat', events]);
    const kinds = [...said.output.matchAll(/"kind": "(\w+)"/g)].map(([, kind]) => kind);
    assert.deepEqual(kinds, ['tests', 'collected', 'start', 'result', 'finish']);
  });
});
