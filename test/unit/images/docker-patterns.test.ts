import assert from 'node:assert/strict';
import { DockerPatterns, sourcePattern } from '../../../src/images/dockerfile/patterns.ts';
import { strings } from '../../../src/images/strings.ts';

const FILES = [
  ...[
    'todo/a',
    'TODO',
    'notes (1).txt',
    'c++/x',
    'c/y',
    'a.b',
    'axb',
    'x/y/z.txt',
    'x/z.txt',
    'z.txt',
    'x/.env',
    '.env',
  ],
  ...[
    'foo/bar',
    'fooz',
    'r[1].csv',
    'r1.csv',
    '$d',
    'p|q',
    '{a}',
    'é.txt',
    'deep/a/b/d.log',
    'deep/k.log',
    'k.log',
    'zz.txt',
  ],
];

describe('DockerPatterns', () => {
  const excluded = (text: string) => {
    const patterns = DockerPatterns.ofFile(text);
    return FILES.filter((path) => patterns.ignores(path));
  };

  // The same as what `buildah build` leaves out, or for `c++` and parentheses, what Docker's matcher does.
  for (const [text, paths] of [
    ['TODO', ['TODO']],
    ['todo', ['todo/a']],
    ['notes (1).txt', ['notes (1).txt']],
    ['c++', ['c++/x']],
    ['{a}', ['{a}']],
    ['$d\np|q', ['$d', 'p|q']],
    ['*.b', ['a.b']],
    ['a.b', ['a.b']],
    ['**/z.txt', ['x/y/z.txt', 'x/z.txt', 'z.txt']],
    ['**z.txt', ['x/y/z.txt', 'x/z.txt', 'z.txt', 'zz.txt']],
    ['*/z.txt', ['x/z.txt']],
    ['x/**', ['x/y/z.txt', 'x/z.txt', 'x/.env']],
    ['x/**/z.txt', ['x/y/z.txt', 'x/z.txt']],
    ['**/.env\n!.env', ['x/.env']],
    ['x\n!x/y\nx/y/z.txt', ['x/y/z.txt', 'x/z.txt', 'x/.env']],
    ['/foo', ['foo/bar']],
    ['foo/', ['foo/bar']],
    ['./x/../fooz', ['fooz']],
    ['r[1].csv', ['r1.csv']],
    ['r[[]1].csv', ['r[1].csv']],
    ['r\\[1].csv', ['r[1].csv']],
    ['[p-r]?*.csv', ['r[1].csv', 'r1.csv']],
    ['[^a-z]*', ['TODO', '.env', '$d', '{a}', 'é.txt']],
    ['?.txt', ['z.txt', 'é.txt']],
    ['**/*.log\n!deep/**', ['k.log']],
    ['deep/**/b', ['deep/a/b/d.log']],
    ['**/a/**', ['deep/a/b/d.log']],
    ['#k.log\n\n  z.txt  \r\n', ['z.txt']],
  ] as const) {
    it(`excludes ${paths.join(', ')} with ${JSON.stringify(text)}`, () =>
      assert.deepEqual(excluded(text).sort(), [...paths].sort()));
  }

  for (const pattern of ['[', 'a[', '[]a', '[a-', '!', 'a\\']) {
    it(`rejects ${pattern}, as Docker does`, () =>
      assert.throws(() => DockerPatterns.ofFile(pattern), { message: strings.invalidPattern(pattern) }));
  }
});

describe('Patterns with many wildcards', () => {
  const name = 'ab'.repeat(120);
  const path = `${'a/'.repeat(120)}b`;

  // With an engine that goes back, each of them would take longer than the universe has lasted.
  for (const [kind, pattern] of [
    ['stars', `${'a*b*'.repeat(30)}c`],
    ['question marks', `${'?*'.repeat(40)}c`],
    ['classes', `${'[a-b]*'.repeat(40)}c`],
    ['double stars', `${'**/a*'.repeat(20)}/z`],
    ['folders', `${'*/**/'.repeat(20)}z`],
  ] as const)
    it(`are matched in reasonable time: ${kind}`, () => {
      const ignored = DockerPatterns.ofFile(`${pattern}\n!${pattern}`);
      for (const each of [name, path]) {
        assert.equal(ignored.ignores(each), false);
        for (const parents of [false, true]) assert.equal(sourcePattern(pattern, parents)?.(each), false);
      }
    });
});

describe('sourcePattern', () => {
  for (const [source, parents, matching] of [
    ['*.csv', false, ['r[1].csv', 'r1.csv']],
    ['**/z.txt', false, ['x/z.txt']],
    ['**/z.txt', true, ['x/y/z.txt', 'x/z.txt', 'z.txt']],
    ['deep/**/*.log', true, ['deep/a/b/d.log', 'deep/k.log']],
    ['notes (?).txt', false, ['notes (1).txt']],
    ['[!a]', false, []],
  ] as const) {
    it(`matches ${matching.join(', ') || 'nothing'} with ${source}${parents ? ' and --parents' : ''}`, () => {
      const matches = sourcePattern(source, parents);
      assert.deepEqual(FILES.filter((path) => matches?.(path)).sort(), [...matching].sort());
    });
  }
});
