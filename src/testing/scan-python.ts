import { logicalLines } from '../run/python-lines.ts';
import type { ScannedTest } from './framework.ts';

/** The names by which pytest and unittest find files of tests. */
const PYTHON_FILE = /(?:^|\/)(?:test_[^/]*|[^/]*_test)\.py$/;
/** The patterns of those files, for VS Code. */
export const PYTHON_TEST_FILES = '**/{test_*,*_test}.py';

const STATEMENT =
  /^(?<indent>[ \t]*)(?![ \t\r\n#]|$)(?:(?:async\s+)?(?<kind>def|class)\s+(?<name>\w+)\s*(?<rest>[^\n]*))?/;
/** No statement of which more is needed is longer. */
const MAX_STATEMENT_CHARS = 500;

/** Returns true if a path is that of a Python file with tests. */
export function isPythonTestFile(path: string): boolean {
  return PYTHON_FILE.test(path);
}

/** Finds the tests of a Python file that follow the usual names, by its text alone. */
export function scanPythonTests(text: string): ScannedTest[] {
  const tests: ScannedTest[] = [];
  /** The definitions around a line; without children for those that can't have tests. */
  const around: { indent: number; children?: ScannedTest[] }[] = [];
  for (const { line, start } of logicalLines(text)) {
    const found = STATEMENT.exec(text.slice(start, start + MAX_STATEMENT_CHARS));
    if (!found) continue;
    const { indent = '', kind, name = '', rest = '' } = found.groups ?? {};
    while ((around.at(-1)?.indent ?? -1) >= indent.length) around.pop();
    if (kind === undefined) continue;
    const parent = around.at(-1);
    const siblings = parent ? parent.children : tests;
    const isGroup = kind === 'class' && (/^Test/.test(name) || /\bTestCase\b/.test(rest));
    const isTest = kind === 'def' && /^test/.test(name);
    const children: ScannedTest[] = [];
    // Later definitions of a name take the place of earlier ones.
    const known = siblings?.findIndex((each) => each.name === name) ?? -1;
    if (known >= 0) siblings?.splice(known, 1);
    if (isGroup || isTest) siblings?.push({ name, line, children });
    around.push({ indent: indent.length, ...(isGroup && siblings && { children }) });
  }
  return tests;
}
