import { posix } from 'node:path';
import { REMOTE_ROOT } from '../sync/options.ts';
import { once } from './debug-events.ts';
import type { TestFramework, TestOptions } from './framework.ts';
import { goReader } from './go-output.ts';
import { GO_BOOT } from './helpers/go.ts';
import { GO_TEST_FILES, isGoTestFile, scanGoTests } from './scan-go.ts';
import { withoutNested } from './test-key.ts';

/** Between the fields of a line. */
const UNIT = '\u001f';

/** Tests of Go. */
export const goTests: TestFramework = {
  name: 'go test',
  files: GO_TEST_FILES,
  languages: ['go'],
  argsSetting: 'goArgs',
  namesTell: true,
  findsFiles: true,
  listsTests: false,
  ranCodes: new Set([0, 1, 2]),
  isTestFile: isGoTestFile,
  owns: (path) => path.endsWith('.go'),
  scan: scanGoTests,
  program: (requests, folder) => requests.forCommandIn(folder, ['go']),
  request: (program, options) => ({
    ...program,
    programs: program.programs.map(({ argv: [go, ...rest], ...each }) => ({
      label: go,
      probe: ['command', '-v', go],
      ...each,
      argv: ['sh', '-c', GO_BOOT, 'sh', REMOTE_ROOT, modeOf(options), go, ...rest, ...(options.args ?? [])] as const,
    })),
    pty: false,
    input: once(Buffer.from(runsOf(options).join(''))),
  }),
  reader: goReader,
};

function modeOf({ isDiscovery, hasCoverage }: TestOptions): string {
  return isDiscovery ? 'list' : hasCoverage ? 'coverage' : 'run';
}

/** Returns a line for each run of selected tests: one for a package, and one for each part of a test. */
function runsOf({ select = [] }: TestOptions): string[] {
  const packages = new Map<string, { names: string[]; files: string[] }>();
  const parts: string[] = [];
  for (const [file, name, ...subtests] of withoutNested(select)) {
    const folder = posix.dirname(file);
    const own = packages.get(folder) ?? { names: [], files: [] };
    if (name !== undefined && subtests.length > 0) {
      parts.push(lineOf(folder, '', '', patternOf([name, ...subtests])));
      continue;
    }
    if (name === undefined) own.files.push(posix.basename(file));
    else own.names.push(quoted(name));
    packages.set(folder, own);
  }
  const whole = [...packages].map(([folder, { names, files }]) => lineOf(folder, names.join('|'), files.join('/'), ''));
  return [...whole, ...parts];
}

function lineOf(...fields: string[]): string {
  return `${fields.join(UNIT)}\n`;
}

/** Returns the pattern for a part of a test. A name with slashes counts as several levels. */
function patternOf(names: readonly string[]): string {
  const levels = names.join('/').split('/');
  return levels.map((level) => `^${quoted(level)}$`).join('/');
}

function quoted(name: string): string {
  return name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
