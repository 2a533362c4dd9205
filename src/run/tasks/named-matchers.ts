/**
 * The patterns and matchers that VS Code has without any extension, for formats that these tools document. They are
 * written here because extensions can't ask for them.
 */

// file(1,2,3,4)
const PLACE = String.raw`\((\d+|\d+,\d+|\d+,\d+,\d+,\d+)\)`;

/** Returns the pattern of a Microsoft compiler whose codes start with some letters. */
function compiler(prefix: string) {
  return {
    regexp: String.raw`^(\S.*)${PLACE}:\s+(error|warning|info)\s+(${prefix}\d+)\s*:\s*(.*)$`,
    ...{ file: 1, location: 2, severity: 3, code: 4, message: 5 },
  };
}

export const PATTERNS: Readonly<Record<string, unknown>> = {
  msCompile: {
    // Origin, subcategory, category, code, and text, of which MSBuild omits what it doesn't know.
    regexp: String.raw`^\s*(?:\d+>)?(\S.*?)(?:${PLACE})?\s*:\s+(?:\S+\s+)?((?:fatal +)?error|warning|info)\s+(\w+\d+)?\s*:\s*(.*)$`,
    ...{ file: 1, location: 2, severity: 3, code: 4, message: 5 },
  },
  'gulp-tsc': {
    regexp: String.raw`^(\S.*)${PLACE}:\s+(\d+)\s+(.*)$`,
    ...{ file: 1, location: 2, code: 3, message: 4 },
  },
  cpp: compiler('C'),
  csc: compiler('CS'),
  vb: compiler('BC'),
  // In an array, a pattern has no default for its column.
  lessCompile: {
    patterns: [{ regexp: String.raw`^\s*(.*) in file (.*) line no. (\d+)$`, message: 1, file: 2, line: 3 }],
  },
  jshint: {
    regexp: String.raw`^(.*):\s+line\s+(\d+),\s+col\s+(\d+),\s(.+?)(?:\s+\((\w)(\d+)\))?$`,
    ...{ file: 1, line: 2, column: 3, message: 4, severity: 5, code: 6 },
  },
  'jshint-stylish': {
    patterns: [
      { regexp: '^(.+)$', file: 1 },
      {
        regexp: String.raw`^\s+line\s+(\d+)\s+col\s+(\d+)\s+(.+?)(?:\s+\((\w)(\d+)\))?$`,
        ...{ line: 1, column: 2, message: 3, severity: 4, code: 5, loop: true },
      },
    ],
  },
  'eslint-compact': {
    regexp: String.raw`^(.+):\sline\s(\d+),\scol\s(\d+),\s(Error|Warning|Info)\s-\s(.+)\s\((.+)\)$`,
    ...{ file: 1, line: 2, column: 3, severity: 4, message: 5, code: 6 },
  },
  'eslint-stylish': {
    patterns: [
      { regexp: String.raw`^((?:[A-Za-z]:)?[./\\].*)$`, file: 1 },
      {
        regexp: String.raw`^\s+(\d+):(\d+)\s+(error|warning|info)\s+(.+?)(?:\s\s+(.*))?$`,
        ...{ line: 1, column: 2, severity: 3, message: 4, code: 5, loop: true },
      },
    ],
  },
  go: {
    regexp: String.raw`^(?:[^:]*: )?((?:[A-Za-z]:)?[^:]*):(\d+)(?::(\d+))?: (.*)$`,
    ...{ file: 1, line: 2, column: 3, message: 4 },
  },
};

export const MATCHERS: Readonly<Record<string, unknown>> = {
  msCompile: { owner: 'msCompile', source: 'cpp', fileLocation: 'absolute', pattern: '$msCompile' },
  lessCompile: { owner: 'lessCompile', source: 'less', fileLocation: 'absolute', pattern: '$lessCompile' },
  'gulp-tsc': {
    owner: 'typescript',
    source: 'ts',
    applyTo: 'closedDocuments',
    fileLocation: 'relative',
    pattern: '$gulp-tsc',
  },
  jshint: { owner: 'jshint', source: 'jshint', fileLocation: 'absolute', pattern: '$jshint' },
  'jshint-stylish': { owner: 'jshint', source: 'jshint', fileLocation: 'absolute', pattern: '$jshint-stylish' },
  'eslint-compact': { owner: 'eslint', source: 'eslint', fileLocation: 'absolute', pattern: '$eslint-compact' },
  'eslint-stylish': { owner: 'eslint', source: 'eslint', fileLocation: 'absolute', pattern: '$eslint-stylish' },
  go: { owner: 'go', source: 'go', fileLocation: 'relative', pattern: '$go' },
};
