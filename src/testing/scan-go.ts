import type { ScannedTest } from './framework.ts';

/** The pattern of files with tests, for VS Code. */
export const GO_TEST_FILES = '**/*_test.go';

/** Returns true if a path is that of a Go file with tests. `go` ignores files and folders with some names. */
export function isGoTestFile(path: string): boolean {
  return /(?:^|\/)[^/_.][^/]*_test\.go$/.test(path) && !/(?:^|\/)(?:testdata|vendor|node_modules)\//.test(path);
}

/** Texts and comments, in which nothing is a test. */
const NO_CODE = /`[^`]*`|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+'|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
const FUNCTION = /^func (?<name>(?<kind>Test|Example|Fuzz)(?<rest>[\p{L}\p{N}_]*))\((?<parameter>[^)\n]*)\)/u;
const PARAMETERS: Readonly<Record<string, RegExp>> = { Test: /\*testing\.T$/, Fuzz: /\*testing\.F$/, Example: /^$/ };
/** Only examples with output are run. */
const OUTPUT = /^\s*\/\/\s*(?:unordered )?output:/im;

/** Finds what `go test` runs of a Go file, by its text alone. Benchmarks aren't run. */
export function scanGoTests(text: string): ScannedTest[] {
  const code = text.replaceAll(NO_CODE, (part) => (part.startsWith('//') ? '' : part.replaceAll(/[^\n]/g, ' ')));
  const lines = text.split('\n');
  return code.split('\n').flatMap((source, line): ScannedTest[] => {
    const { name, kind = '', rest = '', parameter = '' } = FUNCTION.exec(source)?.groups ?? {};
    if (name === undefined || /^\p{Ll}/u.test(rest) || !PARAMETERS[kind]?.test(parameter.trim())) return [];
    if (kind === 'Example') {
      const end = lines.indexOf('}', line);
      if (!OUTPUT.test(lines.slice(line, end < 0 ? undefined : end).join('\n'))) return [];
    }
    return [{ name, line, children: [] }];
  });
}
