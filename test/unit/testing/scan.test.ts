import assert from 'node:assert/strict';
import { CoverageSum } from '../../../src/testing/coverage.ts';
import { EventReader, type TestEvent, type TestedFile } from '../../../src/testing/events.ts';
import type { ScannedTest } from '../../../src/testing/framework.ts';
import { TestResults } from '../../../src/testing/results.ts';
import { isGoTestFile, scanGoTests } from '../../../src/testing/scan-go.ts';
import { isNodeTestFile, scanNodeTests } from '../../../src/testing/scan-javascript.ts';
import { isPythonTestFile, scanPythonTests } from '../../../src/testing/scan-python.ts';
import { splitTests } from '../../../src/testing/shards.ts';
import { type TestKey, withoutNested } from '../../../src/testing/test-key.ts';

const outline = (tests: readonly ScannedTest[]): unknown[] =>
  tests.map(({ name, line, children }) => [name, line, ...outline(children)]);

describe('The text of a Python file', () => {
  it('tells its tests, in classes too, and not what only looks like one', () => {
    const text = `import unittest
"""
def test_in_a_string(): pass
"""
def helper():
    def test_inner(): pass

class TestGroup:
    def test_a(self):
        pass
    class TestInner:
        async def test_b(self): pass
    class Helper:
        def test_no(self): pass

class Cases(unittest.TestCase):
    def test_c(self): pass
if True:
    def test_d(): pass
def test_e(
    argument,
):
    pass
def test_e(): pass
`;
    assert.deepEqual(outline(scanPythonTests(text)), [
      ['TestGroup', 7, ['test_a', 8], ['TestInner', 10, ['test_b', 11]]],
      ['Cases', 15, ['test_c', 16]],
      ['test_d', 18],
      ['test_e', 23],
    ]);
  });

  it('is that of tests if the file has a name of one', () => {
    const files = ['test_a.py', 'x/a_test.py', 'test_/a.py', 'a/test.py', 'test_a.pyi', 'mytest_a.py'];
    assert.deepEqual(files.filter(isPythonTestFile), ['test_a.py', 'x/a_test.py']);
  });
});

describe('The text of a JavaScript file', () => {
  it('tells its tests, in groups too, and not what only looks like one', () => {
    const text = `import { describe, it, test } from 'node:test';
// test('in a comment', () => {});
const regexp = /test\\('no', "/;
const text = \`\${"it('in a template')" + \`\${1}\`} test('no')\`;
test('plain', (t) => { t.test('subtest', () => {}); test('inner'); });
test.skip("it's \\"quoted\\" \\u00e9", () => {});
if (1 / 2 > /'/.test('x')) describe(\`group\`, () => {
  it.todo('one');
  describe('inner', { concurrency: true }, async () => {
    it('two', () => {});
  });
  for (const each of list) it(\`case \${each}\`, () => { it('unknown'); });
  it('concatenated ' + name, () => {});
});
describe(name, () => { it('nowhere', () => {}); });
suite('last', () => { test('three', () => {}) });
`;
    assert.deepEqual(outline(scanNodeTests(text) ?? []), [
      ['plain', 4],
      ['it\'s "quoted" é', 5],
      ['group', 6, ['one', 7], ['inner', 8, ['two', 9]]],
      ['last', 15, ['three', 15]],
    ]);
  });

  it('is that of tests if the file has a name of one and uses node:test', () => {
    const files = ['a.test.js', 'x/a-test.mts', 'a_test.cjs', 'test-a.ts', 'test.js', 'test/x/a.js'];
    assert.deepEqual(files.filter(isNodeTestFile), files);
    const others = ['a.spec.js', 'latest.js', 'a.test.jsx', 'node_modules/a/test.js', 'a.test.d.ts', 'contest/a.js'];
    assert.deepEqual(others.filter(isNodeTestFile), []);
    assert.equal(scanNodeTests("import { test } from 'vitest';\ntest('a', () => {});\n"), undefined);
  });

  it('is read in a time that its length determines', () => {
    const text = `'node:test'; ${'`${'.repeat(20_000)} ${'/'.repeat(20_000)} ${"it('a".repeat(20_000)}`;
    assert.ok(Array.isArray(scanNodeTests(text)));
  });
});

describe('The text of a Go file', () => {
  it('tells what go test runs of it', () => {
    const text = `package a
/*
func TestInAComment(t *testing.T) {}
*/
const text = \`
func TestInAText(t *testing.T) {}
\`
func TestMain(m *testing.M) {}
func TestOne(t *testing.T) {}
func Testimony(t *testing.T) {}
func BenchmarkOne(b *testing.B) {}
func FuzzOne(f *testing.F) {}
func ExampleOne() {
	// Output: 1
}
func ExampleNotRun() {
}
func (s *Suite) TestMethod(t *testing.T) {}
`;
    assert.deepEqual(outline(scanGoTests(text)), [
      ['TestOne', 8],
      ['FuzzOne', 11],
      ['ExampleOne', 12],
    ]);
    const files = ['a_test.go', 'x/b_test.go', 'a.go', '_a_test.go', 'testdata/a_test.go'];
    assert.deepEqual(files.filter(isGoTestFile), files.slice(0, 2));
  });
});

describe('Events of test runners', () => {
  const read = (...pieces: string[]) => {
    const events: TestEvent[] = [];
    let text = '';
    const reader = new EventReader({
      event: (event) => events.push(event),
      text: (more) => (text += more),
    });
    for (const piece of pieces) reader.feed(Buffer.from(piece));
    return { events, text };
  };
  const start = '\u001e{"kind":"start","id":"a"}\n';

  it('are read in pieces, from among other text', () => {
    const { events, text } = read('one\n\u001e{"kind":"st', 'art","id":"a"}', '\ntwo', start);
    assert.deepEqual(events, [
      { kind: 'start', id: 'a' },
      { kind: 'start', id: 'a' },
    ]);
    assert.equal(text, 'one\ntwo');
  });

  it('are ignored if they are not what a runner says, or too long', () => {
    const long = `\u001e{"kind":"start","id":"${'a'.repeat(20_000)}"}\n`;
    const endless = `\u001e${'x'.repeat(5_000_000)}\n`;
    const { events } = read('\u001enothing\n', '\u001e{"kind":"unknown"}\n', long, endless, '\u001e[]\n', start);
    assert.deepEqual(events, [{ kind: 'start', id: 'a' }]);
  });

  it('give each test that has started a result, and none to tests that no one has found', () => {
    const said: string[] = [];
    const results = new TestResults({
      found: () => {},
      started: (key) => said.push(`started ${key.at(-1)}`),
      ended: (key, { outcome, failures }) => said.push(`${key.at(-1)} ${outcome} ${failures[0]?.message ?? ''}`),
      broken: () => {},
    });
    results.take({
      kind: 'tests',
      tests: ['a', 'b', 'c'].map((name) => [`id of ${name}`, ['test_a.py', name] as [string, string], 1]),
    });
    results.take({ kind: 'start', id: 'id of a' });
    results.take({ kind: 'result', id: 'id of a', outcome: 'passed', failures: [], output: '' });
    results.take({ kind: 'start', id: 'id of b' });
    results.take({ kind: 'result', id: 'unknown', outcome: 'passed', failures: [], output: '' });
    results.end('Gone.');
    assert.deepEqual(said, ['started a', 'a passed ', 'started b', 'b error Gone.']);
    assert.deepEqual([results.has(['test_a.py', 'b']), results.has(['test_a.py', 'c'])], [true, false]);
  });
});

describe('The coverage of several parts of a run', () => {
  it('counts what any of them has executed', () => {
    const sum = new CoverageSum();
    const part = (executed: number[], missing: number[], isTaken: boolean): TestedFile => ({
      kind: 'coverage',
      file: 'a.py',
      executed,
      missing,
      branches: [
        [1, 2, isTaken],
        [1, 3, true],
      ],
      functions: [['f', 1, isTaken]],
    });
    sum.add(part([1, 3], [2, 4], false));
    sum.add(part([1, 2], [3, 4], true));
    assert.deepEqual(
      [...sum.files()],
      [
        {
          ...part([1, 2, 3], [4], true),
          branches: [
            [1, 2, true],
            [1, 3, true],
          ],
        },
      ],
    );
  });
});

describe('The keys of tests', () => {
  it('are passed on without those that another one includes', () => {
    const keys: TestKey[] = [
      ['a.py', 'TestX'],
      ['a.py', 'TestX', 'test_a'],
      ['b.py', 'test_b'],
      ['b.py', 'test_b'],
    ];
    assert.deepEqual(withoutNested(keys), [
      ['a.py', 'TestX'],
      ['b.py', 'test_b'],
      ['b.py', 'test_b'],
    ]);
  });
});

describe('Tests for several sandboxes', () => {
  const key = (name: string): TestKey => ['a.py', name];
  const split = (ms: Readonly<Record<string, number | undefined>>, count: number) =>
    splitTests(Object.keys(ms).map(key), count, ([, name = '']) => ms[name]).map((each) =>
      each.map(([, name]) => name),
    );

  it('are split by their last durations, and those without one count as the median', () => {
    assert.deepEqual(split({ a: 1, b: 4, c: 2, d: 5, e: undefined }, 2), [
      ['d', 'c', 'a'],
      ['b', 'e'],
    ]);
  });

  it('are split evenly if nothing is known, and into no empty group', () => {
    assert.deepEqual(
      split({ a: undefined, b: undefined, c: 0, d: 0 }, 2).map(({ length }) => length),
      [2, 2],
    );
    assert.deepEqual(split({ a: undefined, b: undefined }, 4), [['a'], ['b']]);
  });
});
