import { logicalLines } from './python-lines.ts';

/** By these names, pytest finds files of tests. */
const NAME = /^(?:test_.*|.*_test)\.py$/;
const TEST_FUNCTION = /^(?:async\s+)?def\s+test/;
const TEST_CLASS = /^class\s+Test\w*\s*[(:]/;
const UNITTEST_CLASS = /^class\s+\w+\s*\(.*TestCase\b/;
/** A statement that already does something visible, such as running the tests. */
const RUNS = /^if\b.*__name__|^(?:[\w.]+\.)?(?:main|run|exit)\s*\(|^(?:raise|for|while)\b|^(?:print|test\w*)\s*\(/;

/**
 * Returns the programs, in order of preference, that can run the tests of a Python file that only defines them, so that it
 * does nothing in Python itself. Empty for other files.
 */
export function testModulesOf(name: string, text: string): ('pytest' | 'unittest')[] {
  if (!NAME.test(name)) return [];
  let isUnittest = true;
  let hasTests = false;
  for (const { start } of logicalLines(text)) {
    const statement = text.slice(start, start + 200);
    if (RUNS.test(statement)) return [];
    const isOfUnittest = UNITTEST_CLASS.test(statement);
    if (!isOfUnittest && !TEST_CLASS.test(statement) && !TEST_FUNCTION.test(statement)) continue;
    hasTests = true;
    isUnittest &&= isOfUnittest;
  }
  return !hasTests ? [] : isUnittest ? ['pytest', 'unittest'] : ['pytest'];
}
