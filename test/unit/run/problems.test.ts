// biome-ignore-all lint/suspicious/noTemplateCurlyInString: VS Code's own variables
import assert from 'node:assert/strict';
import { type Problem, ProblemScanner, type ScannerEvents } from '../../../src/run/problems.ts';
import { type Matcher, resolveMatcher } from '../../../src/run/tasks/matcher.ts';
import { MATCHERS, PATTERNS } from '../../../src/run/tasks/named-matchers.ts';

const registry = { pattern: (name: string) => PATTERNS[name], matcher: (name: string) => MATCHERS[name] };

function matcherOf(raw: unknown): Matcher {
  return resolveMatcher(raw, registry) ?? assert.fail('the matcher is valid');
}

function problemsIn(matcher: unknown, ...chunks: string[]): string[] {
  const found: Problem[] = [];
  const scanner = new ProblemScanner(
    [matcher].flat().map(matcherOf),
    { problem: (problem) => found.push(problem) },
    { isBackground: false },
  );
  for (const chunk of chunks) scanner.feed(chunk);
  scanner.end();
  return found.map(({ file, line, column, endLine, endColumn, severity, code, message }) =>
    [file, line, column ?? '', endLine ?? '', endColumn ?? '', severity, code ?? '', message].join('|'),
  );
}

describe('ProblemScanner', () => {
  const gcc = {
    severity: 'info',
    pattern: {
      regexp: '^(.*?):(\\d+):(\\d+): (warning|error)?: ?(.*) \\[(.*)\\]$',
      file: 1,
      line: 2,
      column: 3,
      severity: 4,
      message: 5,
      code: 6,
    },
  };

  it('finds problems in output that is split into chunks, colored, and has Windows line endings', () => {
    assert.deepEqual(
      problemsIn(gcc, 'hello\na.c:3:', '4: warning: un\u001b[31mused\u001b[0m x [W1]\r\nb', '.c:5:6: : note [N]'),
      ['a.c|3|4|||warning|W1|unused x', 'b.c|5|6|||info|N|note'],
    );
  });

  it('reads each character of a line of 50 MB once, and matches only its start', () => {
    const { indexOf, split } = String.prototype;
    const { exec } = RegExp.prototype;
    let read = 0;
    let matched = 0;
    const chunk = 'x'.repeat(10_000);
    Object.assign(String.prototype, {
      indexOf(this: string, wanted: string, from: number) {
        read += this.length - (from ?? 0);
        return indexOf.call(this, wanted, from);
      },
      split(this: string, ...args: Parameters<typeof split>) {
        read += this.length;
        return split.apply(this, args);
      },
    });
    RegExp.prototype.exec = function (text) {
      matched += text.length;
      return exec.call(this, text);
    };
    let problems: string[];
    try {
      problems = problemsIn(gcc, 'a.c:3:4: error: ', ...Array<string>(5_000).fill(chunk), '\nb.c:5:6: : note [N]\n');
    } finally {
      Object.assign(String.prototype, { indexOf, split });
      RegExp.prototype.exec = exec;
    }
    assert.deepEqual(problems, ['b.c|5|6|||info|N|note']);
    assert.ok(read < 51_000_000, `read ${read}`);
    assert.ok(matched < 20_000, `matched ${matched}`);
  });

  it("uses VS Code's defaults for the groups that a single-line pattern omits", () => {
    assert.deepEqual(problemsIn({ pattern: { regexp: '^(\\w+)-(\\d+)-(\\d+) .*$' } }, 'a-1-2 broken'), [
      'a|1|2|||error||a-1-2 broken',
    ]);
    assert.deepEqual(problemsIn({ pattern: { regexp: '^(\\w+) is wrong$', kind: 'file' } }, 'a is wrong'), [
      'a|1|1|1|1|error||a is wrong',
    ]);
  });

  it('accepts a location of up to four numbers, and reads others as VS Code does', () => {
    const pattern = { regexp: '^(\\w+):(\\S*): x$', file: 1, location: 2, message: 0 };
    for (const [location, place] of [
      ['1', '1|||'],
      ['1,2', '1|2||'],
      ['1,2,3,4', '1|2|3|4'],
      ['1,2,3,4,5', '1|2|3|4'],
      // GHC, whose parentheses VS Code doesn't know. Those around the whole can be outside of the group.
      ['(3,4)-(5,6)', '1|4||'],
      ['3,4)-(5,6', '3|4||'],
      ['3,4-7', '3|4||'],
      ['3-7', '3|||'],
      ['[10,4]', '1|4||'],
      [',4', '1|4||'],
      ['-3', '1|||'],
      ['0,0', '1|1||'],
      ['5,6,3,0', '5|6|5|6'],
      ['', '1|1|1|1'],
    ])
      assert.deepEqual(problemsIn({ pattern }, `a:${location}: x`), [`a|${place}|error||a:${location}: x`]);
    assert.deepEqual(problemsIn({ pattern }, 'a:end: x'), []);
  });

  it('takes a single line without a place for a problem of the whole file, as VS Code does', () => {
    const single = { regexp: '^(.+?)(?::(\\d+))?(?::(\\d+))?: error: (.*)$', message: 4 };
    const several = [{ ...single, file: 1, line: 2 }];
    const output = 'ld: error: undefined symbol\na.c:3: error: y\na.c:3:0: error: z\n';
    assert.deepEqual(problemsIn({ pattern: single }, output), [
      'ld|1|1|1|1|error||undefined symbol',
      'a.c|3||||error||y',
      'a.c|3|1|||error||z',
    ]);
    assert.deepEqual(problemsIn({ pattern: several }, output), ['a.c|3||||error||y', 'a.c|3||||error||z']);
    assert.deepEqual(problemsIn({ pattern: { regexp: '^(\\w+) is bad$' } }, 'Makefile is bad'), [
      'Makefile|1|1|1|1|error||Makefile is bad',
    ]);
  });

  it('matches patterns of several lines, of which the last can repeat', () => {
    const pattern = [
      { regexp: '^(\\S+)$', file: 1 },
      {
        regexp: '^  (\\d+):(\\d+)\\s+(error|warning)\\s+(.*)$',
        line: 1,
        column: 2,
        severity: 3,
        message: 4,
        loop: true,
      },
    ];
    const output =
      'a.js\n  1:2  error  one\n  3:4  warning  two\nb.js\n  5:6  error  three\n\n  7:8  error  of no file\n';
    assert.deepEqual(problemsIn({ pattern }, output), [
      'a.js|1|2|||error||one',
      'a.js|3|4|||warning||two',
      'b.js|5|6|||error||three',
    ]);
  });

  it("has no matcher for a pattern without a valid regular expression, or a name that doesn't exist", () => {
    for (const raw of [
      { pattern: { regexp: '(' } },
      { pattern: '$no-such' },
      '$no-such',
      'go',
      { base: '$no-such' },
      3,
    ])
      assert.equal(resolveMatcher(raw, registry), undefined, JSON.stringify(raw));
  });

  it('ends in a circle of matchers that extend each other', () => {
    const circle = { pattern: () => undefined, matcher: () => ({ base: '$a' }) };
    assert.equal(resolveMatcher('$a', circle), undefined);
  });

  it('knows the patterns and matchers that VS Code has without extensions', () => {
    const cases: [unknown, string, string[]][] = [
      ['$msCompile', 'C:\\a b.cs(1,2): error CS0103: It is missing.', ['C:\\a b.cs|1|2|||error|CS0103|It is missing.']],
      ['$msCompile', '  3>/x/a.vcxproj(7): warning MSB8012: Odd.', ['/x/a.vcxproj|7||||warning|MSB8012|Odd.']],
      ['$msCompile', 'a.cpp(1): fatal error C1083: Gone.', ['a.cpp|1||||error|C1083|Gone.']],
      ['$msCompile', '/x/a.csproj : warning NU1701: Old.', ['/x/a.csproj|1|1|1|1|warning|NU1701|Old.']],
      ['$msCompile', 'CSC : error CS5001: No Main.', ['CSC|1|1|1|1|error|CS5001|No Main.']],
      [{ pattern: '$cpp' }, 'a.cpp(3): warning C4996: Old.', ['a.cpp|3||||warning|C4996|Old.']],
      [{ pattern: '$csc' }, 'a.cs(3,4,5,6): error CS1: No.', ['a.cs|3|4|5|6|error|CS1|No.']],
      [{ pattern: '$vb' }, 'a.vb(3) : error BC1: No.', []],
      ['$gulp-tsc', 'src/a.ts(1,2): 2304 No name.', ['src/a.ts|1|2|||error|2304|No name.']],
      ['$lessCompile', 'Bad rule in file /x/a.less line no. 4', ['/x/a.less|4||||error||Bad rule']],
      [
        '$jshint',
        '/x/a.js: line 5, col 6, Missing semicolon. (W033)',
        ['/x/a.js|5|6|||warning|033|Missing semicolon.'],
      ],
      [
        '$jshint-stylish',
        '/x/a.js\n  line 5  col 6  Missing. (E1)\n  line 7  col 8  Odd.',
        ['/x/a.js|5|6|||error|1|Missing.', '/x/a.js|7|8|||error||Odd.'],
      ],
      [
        '$eslint-compact',
        '/x/a.js: line 1, col 2, Warning - Unused. (no-unused)',
        ['/x/a.js|1|2|||warning|no-unused|Unused.'],
      ],
      [
        '$eslint-stylish',
        '/x/a.js\n  1:2  error  Bad it.  no-it\n  3:4  warning  Two\n',
        ['/x/a.js|1|2|||error|no-it|Bad it.', '/x/a.js|3|4|||warning||Two'],
      ],
      ['$go', 'vet: ./a.go:3:4: undefined: x', ['./a.go|3|4|||error||undefined: x']],
      ['$go', 'a.go:3: syntax', ['a.go|3||||error||syntax']],
    ];
    for (const [matcher, output, expected] of cases)
      assert.deepEqual(problemsIn(matcher, output), expected, `${JSON.stringify(matcher)}: ${output}`);
  });

  it('extends a matcher by its name, and keeps what the task overrides', () => {
    const { source, severity, appliesTo, location } = matcherOf({
      base: '$go',
      source: 'mine',
      severity: 'warning',
      applyTo: 'openDocuments',
      fileLocation: ['autoDetect', '${workspaceFolder}/sub'],
    });
    assert.deepEqual(
      [source, severity, appliesTo, location],
      ['mine', 'warning', 'open', { kind: 'autodetect', folders: ['${workspaceFolder}/sub'], exclude: [] }],
    );
  });

  it('gives a line to the first of several matchers that accepts it, with 1 for a column that is no number', () => {
    const plain = { pattern: { regexp: '^(\\w+):(\\d+): (.*)$', file: 1, line: 2, message: 3 } };
    const other = { severity: 'info', pattern: { regexp: '^(\\w+):(\\d+)', file: 1, line: 2, message: 0 } };
    assert.deepEqual(problemsIn([plain, other], 'a:1: x\na:2\n'), ['a|1|1|||error||x', 'a|2||||info||a:2']);
  });

  it('reads lines as a terminal shows them', () => {
    const pattern = { regexp: '^(\\w+):(\\d+): (.*)$', file: 1, line: 2, column: 9, message: 3 };
    for (const line of [
      'b:2: old\ra:1: x  ',
      '|\u001b[1G\u001b[0Ka:1: x',
      '99% \u001b[2K\ra:1: x',
      'a:1: xyz\u001b[2D\u001b[K',
      'a:1: y\u0008x',
      '\u001b[3Ca\u001b[1Ga:1: x',
    ])
      assert.deepEqual(problemsIn({ pattern }, `${line}\r\n`), ['a|1||||error||x'], JSON.stringify(line));
  });

  it('puts messages of several lines together', () => {
    const pattern = [
      { regexp: '^E (.*)$', message: 1 },
      { regexp: '^  at (.*):(\\d+)$', file: 1, line: 2 },
      { regexp: '^  (.*)$', message: 1 },
    ];
    assert.deepEqual(problemsIn({ pattern }, 'E E one\nE two\n  at a.x:3\n  more\n'), ['a.x|3||||error||two\nmore']);
  });

  it('tells when a background task begins and finishes its work, and takes these lines for no problems', () => {
    const seen: string[] = [];
    const matcher = matcherOf({
      pattern: { regexp: '^(\\w+) (\\d+) (.*)$', file: 1, line: 2, message: 3 },
      background: { activeOnStart: true, beginsPattern: '^begin', endsPattern: { regexp: '^end 1 of' } },
    });
    const events: ScannerEvents = {
      problem: ({ file }) => seen.push(file),
      begin: (_, file) => seen.push(`begin ${file}`),
      finish: () => seen.push('finish'),
    };
    const output = 'a 1 x\nend 1 of it\nend 1 of again\nbegin 2 x\nb 1 x\nend 1 of it\n';
    new ProblemScanner([matcher], events, { isBackground: true }).feed(output);
    assert.deepEqual(seen.splice(0), ['a', 'finish', 'end', 'begin undefined', 'b', 'finish']);
    new ProblemScanner([matcher], events, { isBackground: false }).feed(output);
    assert.deepEqual(
      seen.splice(0),
      ['a', 'end', 'end', 'begin', 'b', 'end'],
      'in other tasks, they are lines as others',
    );
    const ofFile = matcherOf({
      pattern: { regexp: '^(\\w+) (\\d+) (.*)$', file: 1, line: 2, message: 3 },
      background: { beginsPattern: { regexp: '^begin (\\S+)', file: 1 }, endsPattern: '^end' },
    });
    new ProblemScanner([ofFile], events, { isBackground: true }).feed('begin a.x\nend\n');
    assert.deepEqual(seen, ['begin a.x', 'finish']);
  });
});
