import assert from 'node:assert/strict';
import { OwnMatcherSchema, type Problem, ProblemScanner } from '../../../src/run/problems.ts';

function problemsIn(matcher: object, ...chunks: string[]): string[] {
  const found: Problem[] = [];
  const scanner = new ProblemScanner(OwnMatcherSchema.parse(matcher), (problem) => found.push(problem));
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
      'a|1||||error||a is wrong',
    ]);
  });

  it('accepts a location of up to four numbers', () => {
    const pattern = { regexp: '^(.*)\\((.*)\\): (.*)$', file: 1, location: 2, message: 3 };
    assert.deepEqual(problemsIn({ pattern }, 'a(1): x\na(1,2): y\na(1,2,3,4): z\n'), [
      'a|1||||error||x',
      'a|1|2|||error||y',
      'a|1|2|3|4|error||z',
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

  it('rejects a pattern that has no valid regular expression', () => {
    assert.throws(() => OwnMatcherSchema.parse({ pattern: { regexp: '(' } }), /isn't a valid regular expression/);
  });
});
