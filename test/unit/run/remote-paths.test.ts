import assert from 'node:assert/strict';
import { findRemotePaths } from '../../../src/run/remote-paths.ts';

const links = (text: string) =>
  findRemotePaths(text).map(({ start, length, path, line, column }) => [
    text.slice(start, start + length),
    path,
    line,
    column,
  ]);

describe('findRemotePaths', () => {
  it('finds paths in tracebacks, with their line', () => {
    assert.deepEqual(links('  File "/workspace/a b/main.py", line 12, in <module>'), [
      ['"/workspace/a b/main.py", line 12', 'a b/main.py', 12, undefined],
    ]);
  });

  it("finds paths in compilers' messages, with line and column", () => {
    assert.deepEqual(links('/workspace/a.c:3:14: error and at /workspace/src/b.ts(7,2) or /workspace/c.rs:9'), [
      ['/workspace/a.c:3:14', 'a.c', 3, 14],
      ['/workspace/src/b.ts(7,2)', 'src/b.ts', 7, 2],
      ['/workspace/c.rs:9', 'c.rs', 9, undefined],
    ]);
    assert.deepEqual(links('    at run (/workspace/a.js:3:5)'), [['/workspace/a.js:3:5', 'a.js', 3, 5]]);
  });

  const lines: readonly (readonly [text: string, link: string, path: string, line?: number, column?: number])[] = [
    // As Node, Deno, and Vite print them.
    ['file:///workspace/x.mjs:2', 'file:///workspace/x.mjs:2', 'x.mjs', 2],
    ['    at file:///workspace/x.mjs:2:9', 'file:///workspace/x.mjs:2:9', 'x.mjs', 2, 9],
    ['    at f (file:///workspace/a%20b.mjs:2:9)', 'file:///workspace/a%20b.mjs:2:9', 'a b.mjs', 2, 9],
    ['    at f (/workspace/a b.js:2:9)', '/workspace/a b.js:2:9', 'a b.js', 2, 9],
    ['file://localhost/workspace/100%.ts', 'file://localhost/workspace/100%.ts', '100%.ts'],
    ['    at file:///workspace/x.mjs?v=1:2:9', 'file:///workspace/x.mjs?v=1:2:9', 'x.mjs', 2, 9],
    ['    at f (file:///workspace/a%3F.mjs?a=1&b#c:2:9)', 'file:///workspace/a%3F.mjs?a=1&b#c:2:9', 'a?.mjs', 2, 9],
    ["import '/workspace/src/a b.ts:3:4'", "'/workspace/src/a b.ts:3:4'", 'src/a b.ts', 3, 4],
    // PHP, Perl, bash, .NET, and others
    ['Warning: x in /workspace/x.php on line 3', '/workspace/x.php on line 3', 'x.php', 3],
    ['thrown in /workspace/x.php:3', '/workspace/x.php:3', 'x.php', 3],
    ['Died at /workspace/x.pl line 3.', '/workspace/x.pl line 3', 'x.pl', 3],
    ['Died at /workspace/lib/X.pm line 3, <STDIN> line 1.', '/workspace/lib/X.pm line 3', 'lib/X.pm', 3],
    ['/workspace/x.sh: line 3: foo: command not found', '/workspace/x.sh: line 3', 'x.sh', 3],
    ['/workspace/x: 3: foo: not found', '/workspace/x: 3', 'x', 3],
    // GHC, javac with Maven, Kotlin, Erlang, and bison
    ['/workspace/Main.hs:(3,4)-(5,6): error:', '/workspace/Main.hs:(3,4)', 'Main.hs', 3, 4],
    ['[ERROR] /workspace/A.java:[3,14] cannot find symbol', '/workspace/A.java:[3,14]', 'A.java', 3, 14],
    ['e: /workspace/A.kt: (3, 4): Unresolved', '/workspace/A.kt: (3, 4)', 'A.kt', 3, 4],
    ['/workspace/a.erl:{3,4}: x', '/workspace/a.erl:{3,4}', 'a.erl', 3, 4],
    ['/workspace/a.y:3.4-8: syntax error', '/workspace/a.y:3.4', 'a.y', 3, 4],
    ['/workspace/a.c:(.text+0x5): undefined reference', '/workspace/a.c', 'a.c'],
    ['Créé «/workspace/a.txt»', '/workspace/a.txt', 'a.txt'],
    ['保存 /workspace/日本.txt。', '/workspace/日本.txt', '日本.txt'],
    ['   at M() in /workspace/a.cs:line 12', '/workspace/a.cs:line 12', 'a.cs', 12],
    ['"/workspace/a b.m" line 3, column 7', '"/workspace/a b.m" line 3, column 7', 'a b.m', 3, 7],
    ['Error: /workspace/a.xml at line 3 col 7', '/workspace/a.xml at line 3 col 7', 'a.xml', 3, 7],
    ['4: f() at /workspace/a.R#12', '/workspace/a.R#12', 'a.R', 12],
    ['> /workspace/a.py(12)run()', '/workspace/a.py(12)', 'a.py', 12],
    ['File "/workspace/a.ml", lines 3-5, characters 0-3:', '"/workspace/a.ml", lines 3-5', 'a.ml', 3],
    ['cc1: error: ‘/workspace/a.c’ is empty', '/workspace/a.c', 'a.c'],
    ['see “/workspace/Bob’s.txt”', '/workspace/Bob’s.txt', 'Bob’s.txt'],
    ['/workspace/a#1.txt:3', '/workspace/a#1.txt:3', 'a#1.txt', 3],
    ['/workspace/a.f90(7): error', '/workspace/a.f90(7)', 'a.f90', 7],
    ['see /workspace/a.md#L20', '/workspace/a.md#L20', 'a.md', 20],
    ['panic: /workspace/main.go:7 +0x1d', '/workspace/main.go:7', 'main.go', 7],
    ['lua: /workspace/x.lua:3: attempt', '/workspace/x.lua:3', 'x.lua', 3],
    ["/workspace/a.rb:3:in `f'", '/workspace/a.rb:3', 'a.rb', 3],
    ['/workspace/x.ps1:3 char:4', '/workspace/x.ps1:3', 'x.ps1', 3],
    ['CMake Error at /workspace/CMakeLists.txt:3 (message):', '/workspace/CMakeLists.txt:3', 'CMakeLists.txt', 3],
    // Sass, webpack, Babel, Vite, fish, Gradle, Terraform, ShellCheck, RSpec, GitHub, and make
    ['  /workspace/src/a.scss 3:5  root stylesheet', '/workspace/src/a.scss 3:5', 'src/a.scss', 3, 5],
    ['ERROR in /workspace/src/a.ts 3:5-9', '/workspace/src/a.ts 3:5', 'src/a.ts', 3, 5],
    ['error in /workspace/a.scss on line 3 at column 14', '/workspace/a.scss on line 3 at column 14', 'a.scss', 3, 14],
    ['SyntaxError: /workspace/a.js: Unexpected token, expected "," (3:5)', '/workspace/a.js', 'a.js', 3, 5],
    ['/workspace/A.vue?vue&type=script&lang.ts:3:5', '/workspace/A.vue?vue&type=script&lang.ts:3:5', 'A.vue', 3, 5],
    ['/workspace/x.fish (line 3): Unknown command: foo', '/workspace/x.fish (line 3', 'x.fish', 3],
    ["Script '/workspace/build.gradle' line: 3", "'/workspace/build.gradle' line: 3", 'build.gradle', 3],
    ['  on /workspace/main.tf line 3, in resource "x"', '/workspace/main.tf line 3', 'main.tf', 3],
    ['In /workspace/x.sh line 3:', '/workspace/x.sh line 3', 'x.sh', 3],
    ['rspec /workspace/a_spec.rb[1:2:3]', '/workspace/a_spec.rb[1:2:3]', 'a_spec.rb'],
    ['see /workspace/a.md#L20C5', '/workspace/a.md#L20C5', 'a.md', 20, 5],
    ['cc -I/workspace/include -o x', '/workspace/include', 'include'],
    ['/workspace/a.txt (12)', '/workspace/a.txt (12)', 'a.txt', 12],
    ['/workspace/a.txt (12 bytes)', '/workspace/a.txt', 'a.txt'],
    ['   ╭─[/workspace/a.ts:3:4]', '/workspace/a.ts:3:4', 'a.ts', 3, 4],
    ['Saved **/workspace/a.txt**', '/workspace/a.txt', 'a.txt'],
    // In a sentence
    ['wrote [/workspace/a.csv]', '/workspace/a.csv', 'a.csv'],
    ['wrote `/workspace/a b.csv`', '`/workspace/a b.csv`', 'a b.csv'],
    ['wrote <file:///workspace/a.csv>', 'file:///workspace/a.csv', 'a.csv'],
    ['wrote {"path":"/workspace/a.csv"}', '"/workspace/a.csv"', 'a.csv'],
    ['log in /workspace/log.txt.', '/workspace/log.txt', 'log.txt'],
    ['log in /workspace/log.txt...', '/workspace/log.txt', 'log.txt'],
    ['where is /workspace/log.txt?!', '/workspace/log.txt', 'log.txt'],
    ["can't open '/workspace/log.txt'.", "'/workspace/log.txt'", 'log.txt'],
    ['out=/workspace/log.txt;', '/workspace/log.txt', 'log.txt'],
    // Brackets in names
    [
      '/workspace/app/[id]/(group)/page.tsx:3:4',
      '/workspace/app/[id]/(group)/page.tsx:3:4',
      'app/[id]/(group)/page.tsx',
      3,
      4,
    ],
    ['(wrote /workspace/report(1).csv)', '/workspace/report(1).csv', 'report(1).csv'],
    ['/workspace/a(1).ts(3,4): error', '/workspace/a(1).ts(3,4)', 'a(1).ts', 3, 4],
    ['/workspace/a.cs(3).', '/workspace/a.cs(3)', 'a.cs', 3],
    ['wrote [/workspace/r[1].csv]', '/workspace/r[1].csv', 'r[1].csv'],
  ];
  for (const [text, link, path, line, column] of lines)
    it(`finds the place in ${JSON.stringify(text)}`, () => {
      assert.deepEqual(links(text), [[link, path, line, column]]);
    });

  it('finds all places of a line, each once', () => {
    assert.deepEqual(
      links('"/workspace/a" [/workspace/b] (/workspace/c:1:2) file:///workspace/d').map(([, path]) => path),
      ['a', 'b', 'c', 'd'],
    );
  });

  it('takes little time for long lines of unfinished paths', () => {
    for (const part of [
      '"/workspace/',
      '(/workspace/',
      "'/workspace/a ",
      '/workspace/[',
      'file:///workspace/%',
      '/workspace/a.',
    ])
      links(part.repeat(2000));
  });

  it('finds the paths of copies of files from outside the folder', () => {
    assert.deepEqual(links('  File "/tmp/modal-copies/1f/a.py", line 2'), [
      ['"/tmp/modal-copies/1f/a.py", line 2', '/tmp/modal-copies/1f/a.py', 2, undefined],
    ]);
  });

  it('finds no path that leads out of the folder', () => {
    assert.deepEqual(
      links('/workspace/../etc/hosts "/workspace/a/../../x" /workspace/.. file:///workspace/%2e%2e/x'),
      [],
    );
    assert.deepEqual(links('/workspace/a/../b.c'), [['/workspace/a/../b.c', 'a/../b.c', undefined, undefined]]);
  });

  it('finds nothing in the middle of other paths', () => {
    assert.deepEqual(links('/x/workspace/a.c ./workspace/b ~/workspace/b /workspaces/c /workspace'), []);
  });
});
