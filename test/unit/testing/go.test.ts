import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { STANDARD_PATH } from '../../../local/images/image-build.ts';
import type { TestEvent } from '../../../src/testing/events.ts';
import { goTests } from '../../../src/testing/go.ts';
import { strings } from '../../../src/testing/strings.ts';
import { skipUnless } from '../../helpers/skip.ts';
import { type TestPlace, type TestPlaceRun, testPlace } from './test-place.ts';

/** `go` at another place that sandboxes see may be tried. */
const { TESTED_GO = 'go' } = process.env;
const hasGo = spawnSync(TESTED_GO, ['version'], { env: { PATH: STANDARD_PATH } }).status === 0;
const NO_GO = "Go isn't installed. TESTED_GO may be the path of `go`, if sandboxes have it elsewhere.";

const A = 'go/a_test.go';
const OUTCOMES = `package a

import (
	"fmt"
	"os"
	"testing"
)

func TestPasses(t *testing.T) { fmt.Println("hello") }

func TestFails(t *testing.T) {
	t.Errorf("got %d", 1)
	t.Error("two\\nlines")
}

func TestTable(t *testing.T) {
	for _, name := range []string{"a b", "x/y", "日本", "[z]$|(", ""} {
		t.Run(name, func(t *testing.T) {
			if name == "x/y" {
				t.Run("inner", func(t *testing.T) { t.Fatal("no") })
			}
		})
	}
}

func TestSkipped(t *testing.T) { t.Skip("not today") }

func TestEnds(t *testing.T) {
	switch os.Getenv("END") {
	case "panic":
		var number *int
		fmt.Println(*number)
	case "exit":
		os.Exit(3)
	}
}

func TestLast(t *testing.T) {}

func ExampleSign() {
	fmt.Println(Sign(2))
	// Output: 7
}

func FuzzSign(f *testing.F) {
	f.Add(1)
	f.Fuzz(func(t *testing.T, number int) {})
}
`;
const FILES = {
  'go/go.mod': 'module example.com/a\n\ngo 1.18\n',
  'go/a.go': 'package a\n\nfunc Sign(number int) int {\n\tif number < 0 {\n\t\treturn -1\n\t}\n\treturn 1\n}\n',
  [A]: OUTCOMES,
};

describe('What Go prints', () => {
  const read = (...lines: string[]) => {
    const events: TestEvent[] = [];
    const { stderr } = goTests.reader({ event: (event) => events.push(event), text: () => {} });
    for (const line of lines) stderr(Buffer.from(`${line}\n`));
    return events;
  };
  const tests = [
    '\u001ecwd\t/workspace/go',
    '\u001epackage\texample.com/a\t/workspace/go',
    `\u001efunc\t/workspace/${A}:11:func TestFails(t *testing.T) {`,
  ];
  const id = '["example.com/a","TestFails"]';
  const found = { kind: 'tests', tests: [[id, [A, 'TestFails'], 10]] };

  it('becomes results, with an error for a test that its process has not ended', () => {
    const event = (Action: string, more: object = {}) =>
      JSON.stringify({ Time: '2026-12-01T12:17:03Z', Action, Package: 'example.com/a', ...more });
    const [, , , failed, ...rest] = read(
      ...tests,
      event('run', { Test: 'TestFails' }),
      event('output', { Test: 'TestFails', Output: '=== RUN   TestFails\n' }),
      event('output', { Test: 'TestFails', Output: '    a_test.go:12: got 1\n' }),
      event('fail', { Test: 'TestFails', Elapsed: 0.5 }),
      event('run', { Test: 'TestFails' }),
      event('output', { Test: 'TestFails', Output: 'signal: killed\n' }),
      event('fail', { Elapsed: 1 }),
      'FAIL',
      '\u001efinish\t1',
    );
    const failures = [{ message: 'got 1', frames: [[`/workspace/${A}`, 12, '']] }];
    assert.deepEqual(
      { ...failed, reason: undefined },
      { kind: 'result', id, outcome: 'failed', ms: 500, failures, reason: undefined, output: '' },
    );
    assert.deepEqual(
      rest.map((each) => (each.kind === 'result' ? [each.outcome, each.failures[0]?.message] : each.kind)),
      ['tests', 'start', ['error', `${strings.processEnded()}\nsignal: killed`], 'finish'],
    );
  });

  it('becomes errors of the files of a package that cannot be built, in old and new versions', () => {
    const [header, error, failed] = [
      '# example.com/a [example.com/a.test]',
      './a_test.go:12:2: undefined: x',
      'FAIL\texample.com/a [build failed]',
    ];
    const built = (Output: string) =>
      JSON.stringify({ ImportPath: 'example.com/a [example.com/a.test]', Action: 'build-output', Output });
    const failure = { message: `${A}:12: undefined: x`, frames: [[`/workspace/${A}`, 12, '']] };
    const broken = [found, { kind: 'broken', file: A, failure }, { kind: 'finish', code: 2 }];
    const finish = '\u001efinish\t2';
    assert.deepEqual(read(...tests, header, error, failed, finish), broken);
    const output = JSON.stringify({ Action: 'output', Package: 'example.com/a', Output: `${failed}\n` });
    assert.deepEqual(read(...tests, built(`${header}\n`), built(`${error}\n`), output, finish), broken);
  });
});

describe('Tests of Go on Local Modal', () => {
  let place: TestPlace;

  before(async function () {
    skipUnless(this, hasGo, NO_GO);
    place = await testPlace({ hasPytest: false });
  });
  after(() => place?.dispose());
  afterEach(() => rm(join(place.folder.path, 'go'), { recursive: true, force: true }));

  const run = (options: TestPlaceRun = {}) => place.run({ framework: goTests, argv: [TESTED_GO], ...options });

  it('end with what Go says, with places, reasons, and differences', async () => {
    await place.write({
      ...FILES,
      'go/nested/go.mod': 'module example.com/nested\n',
      'go/nested/n_test.go': 'package nested\n\nimport "testing"\n\nfunc TestNested(t *testing.T) {}\n',
      'go/broken/b.go': 'package broken\n',
      'go/broken/b_test.go': 'package broken\n\nimport "testing"\n\nfunc TestBroken(t *testing.T) { undefined() }\n',
    });
    const all = await run();
    assert.deepEqual(all.outcomes(), {
      TestPasses: 'passed',
      TestFails: 'failed',
      a_b: 'passed',
      inner: 'failed',
      'x/y': 'failed',
      日本: 'passed',
      '[z]$|(': 'passed',
      '#00': 'passed',
      TestTable: 'failed',
      TestSkipped: 'skipped',
      TestEnds: 'passed',
      TestLast: 'passed',
      ExampleSign: 'failed',
      'seed#0': 'passed',
      FuzzSign: 'passed',
      TestNested: 'passed',
    });
    const failures = all.resultOf(A, 'TestFails')?.failures ?? [];
    assert.deepEqual(
      failures.map(({ message, frames }) => [message, ...(frames[0]?.slice(0, 2) ?? [])]),
      [
        ['got 1', `/workspace/${A}`, 12],
        ['two\nlines', `/workspace/${A}`, 13],
      ],
    );
    assert.equal(all.resultOf(A, 'TestTable', 'x/y', 'inner')?.failures[0]?.message, 'no');
    assert.equal(all.resultOf(A, 'TestSkipped')?.reason, 'not today');
    const [example] = all.resultOf(A, 'ExampleSign')?.failures ?? [];
    assert.deepEqual([example?.actual, example?.expected], ['1', '7']);
    assert.equal(all.found.find(({ key }) => key.at(-1) === 'TestSkipped')?.line, 25);
    const broken = all.broken.get('go/broken/b_test.go');
    assert.match(broken?.message ?? '', /^go\/broken\/b_test.go:5: undefined: undefined/);
    assert.deepEqual(broken?.frames, [['/workspace/go/broken/b_test.go', 5, '']]);
    assert.match(all.output, /hello/);
    assert.ok(all.isComplete, all.reason);
  });

  it('are selected one by one and by file, and have a result or a reason when one ends the process', async () => {
    await place.write({ ...FILES, 'go/b_test.go': 'package a\n\nimport "testing"\n\nfunc TestB(t *testing.T) {}\n' });
    const several = await run({
      select: [[A, 'TestTable', '[z]$|('], [A, 'TestTable', 'x/y', 'inner'], [A, 'TestPasses'], ['go/b_test.go']],
    });
    assert.deepEqual(several.outcomes(), {
      TestPasses: 'passed',
      TestB: 'passed',
      '[z]$|(': 'passed',
      TestTable: 'failed',
      'x/y': 'failed',
      inner: 'failed',
    });
    const ends = [
      [A, 'TestEnds'],
      [A, 'TestLast'],
    ] as const;
    const panicked = await run({ select: ends, env: { END: 'panic' } });
    const [panic] = panicked.resultOf(A, 'TestEnds')?.failures ?? [];
    assert.match(panic?.message ?? '', /^panic: runtime error: invalid memory address/);
    assert.ok(
      panic?.frames.some(([path, line]) => path === `/workspace/${A}` && line === 32),
      JSON.stringify(panic),
    );
    assert.ok(!panicked.results.has([A, 'TestLast']));
    const exited = await run({ select: ends, env: { END: 'exit' } });
    assert.equal(exited.resultOf(A, 'TestEnds')?.failures[0]?.message, strings.processEnded());
    assert.deepEqual(Object.keys(exited.outcomes()), ['TestEnds']);
  });

  it('measure what they execute, are listed, and say why none has run', async () => {
    await place.write(FILES);
    const { covered } = await run({ select: [[A, 'ExampleSign']], hasCoverage: true });
    const { executed, missing } = covered.find(({ file }) => file === 'go/a.go') ?? {};
    assert.deepEqual(
      [executed, missing],
      [
        [3, 4, 7],
        [5, 6],
      ],
    );
    const listed = await run({ isDiscovery: true });
    assert.deepEqual([listed.found.length, listed.started.length, listed.isComplete], [7, 0, true]);
    const wrong = await run({ args: ['-no-such-option'] });
    assert.equal(wrong.ended.size, 0);
    assert.match(wrong.output, /-no-such-option/);
    const none = await run({ argv: ['no-such-go'] });
    assert.match(none.reason, /no-such-go/);
  });
});
