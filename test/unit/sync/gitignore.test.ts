import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Rules } from '../../../src/sync/rules/rules.ts';
import { pick, random, removeTemporary, temporaryFolder } from './temporary.ts';

const NAMES = [
  'a',
  'b',
  'ab',
  'a.c',
  'b.o',
  'foo',
  'bar',
  'foo.d',
  'x y',
  'é',
  '[z]',
  '!n',
  '#n',
  'a\\b',
  'A',
  '-',
  'z ',
];
const PIECES = [
  'a',
  'b',
  'foo',
  'bar',
  '*',
  '**',
  '?',
  '*.o',
  '*.c',
  '[ab]',
  '[!a]',
  '[^b]',
  '[a-f]*',
  'f*',
  '*o',
  '\\a',
]
  .concat([
    '\\*',
    '\\!n',
    '\\#n',
    '[[:alpha:]]',
    '[]z]',
    '[',
    'x\\ y',
    'x y',
    'é',
    '??',
    '[[:nope:]]',
    'A',
    '[z]',
    '\\[z]',
  ])
  .concat([
    '***',
    'a**',
    '**a',
    'a\\',
    '[a',
    '[[a]',
    '[a-',
    '[-a]',
    '[a\\-c]',
    '[[:digit:][:lower:]]',
    '[/]',
    'z\\ ',
    '-',
  ]);

/** Returns a line of an ignore file, usually a sensible one. */
function randomLine(next: () => number): string {
  const sort = next();
  if (sort < 0.05) return pick(next, ['', '#a', ' ', '!', '/', '//', '!/', '**', '/**', '**/', '!*', '!*/', '*']);
  const parts = Array.from({ length: 1 + Math.floor(next() ** 2 * 4) }, () =>
    next() < 0.15 ? pick(next, PIECES) + pick(next, PIECES) : pick(next, PIECES),
  );
  return [
    next() < 0.25 ? '!' : '',
    next() < 0.2 ? '/' : '',
    parts.join('/'),
    next() < 0.25 ? '/' : '',
    next() < 0.1 ? '  ' : '',
    next() < 0.1 ? '\r' : '',
  ].join('');
}

function randomTree(next: () => number, top: string): void {
  for (let count = 0; count < 40; count += 1) {
    const path = Array.from({ length: 1 + Math.floor(next() * 4) }, () => pick(next, NAMES)).join('/');
    try {
      mkdirSync(dirname(join(top, path)), { recursive: true });
      writeFileSync(join(top, path), '', { flag: 'wx' });
    } catch {
      // The name is already taken, which is fine in a random tree.
    }
  }
  for (const folder of [top, ...foldersBelow(top)]) {
    if (folder !== top && next() > 0.25) continue;
    const lines = Array.from({ length: 1 + Math.floor(next() * 8) }, () => randomLine(next));
    const text = (next() < 0.1 ? '\ufeff' : '') + lines.join('\n') + (next() < 0.5 ? '\n' : '');
    writeFileSync(join(folder, '.gitignore'), text);
  }
  writeFileSync(join(top, '.git/info/exclude'), `${randomLine(next)}\n${randomLine(next)}\n`);
}

function foldersBelow(top: string): string[] {
  return below(top)
    .filter(({ isFolder }) => isFolder)
    .map(({ path }) => join(top, path));
}

function below(top: string): { path: string; isFolder: boolean }[] {
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .map((entry) => ({ path: relative(top, join(entry.parentPath, entry.name)), isFolder: entry.isDirectory() }))
    .filter(({ path }) => path !== '.git' && !path.startsWith('.git/'));
}

/** Returns Git's deciding line for each path; `''` for none. */
function askGit(top: string, paths: readonly string[]): Map<string, string> {
  const { stdout, status } = spawnSync('git', ['-C', top, 'check-ignore', '--no-index', '-z', '-v', '-n', '--stdin'], {
    input: paths.map((path) => `${path}\0`).join(''),
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' },
  });
  // Git exits with 1 if it ignores none of them.
  assert.ok(status === 0 || status === 1);
  const fields = stdout.split('\0');
  const answers = new Map<string, string>();
  for (let at = 0; at + 3 < fields.length; at += 4) {
    const [source, line, text, path] = fields.slice(at, at + 4) as [string, string, string, string];
    answers.set(path, source === '' || text.startsWith('!') ? '' : `${source}:${line}`);
  }
  return answers;
}

describe('Rules', () => {
  after(removeTemporary);

  it('agrees with `git check-ignore` on every path of 30 generated trees, including the deciding line', function () {
    this.timeout(120_000);
    for (let seed = 1; seed <= 30; seed += 1) {
      const top = temporaryFolder();
      execFileSync('git', ['init', '-q', top]);
      randomTree(random(seed), top);
      const paths = below(top).map(({ path }) => path);
      const expected = askGit(top, paths);
      const rules = new Rules(top);
      for (const path of paths) {
        const { included, source, line, kind } = rules.explain(path);
        const shown = relative(rules.root, source);
        const ours = included ? '' : `${shown}:${line}`;
        assert.equal(ours, expected.get(path), `seed ${seed}, path ${JSON.stringify(path)} (${kind})`);
      }
      removeTemporary();
    }
  });

  it('agrees with Git on lines with many wildcards and names that almost match', () => {
    const top = temporaryFolder();
    execFileSync('git', ['init', '-q', top]);
    const names = [
      'ab'.repeat(40),
      `${'ab'.repeat(40)}c`,
      'a'.repeat(90),
      'é'.repeat(60),
      'x-1-2-3-4',
      '[ab]'.repeat(9),
    ];
    names.push(`${'d/'.repeat(9)}e`, `${'d/'.repeat(9)}f`);
    for (const name of names) {
      mkdirSync(dirname(join(top, name)), { recursive: true });
      writeFileSync(join(top, name), '');
    }
    const lines = [`${'a*b*'.repeat(6)}c`, `/**/${'*b'.repeat(8)}?`, '*a**a***a*a*a*a', '*é*?*é*'];
    lines.push(
      '?*-[0-9]*-[!a]*-*[[:digit:]]',
      `${'\\[[a]*'.repeat(4)}]`,
      `${'d/**/'.repeat(4)}e`,
      `${'**/d/'.repeat(5)}*[f]`,
    );
    writeFileSync(join(top, '.gitignore'), `${lines.join('\n')}\n`);
    const expected = askGit(top, names);
    const rules = new Rules(top);
    for (const name of names) {
      const { included, line } = rules.explain(name);
      assert.equal(included ? '' : `.gitignore:${line}`, expected.get(name), name);
    }
  });

  it('ignores the case of ASCII letters alone, like Git with core.ignoreCase', () => {
    const top = temporaryFolder();
    execFileSync('git', ['init', '-q', top]);
    execFileSync('git', ['-C', top, 'config', 'core.ignoreCase', 'true']);
    const names = ['LOG.txt', 'log.TXT', 'x.É', 'x.é', 'Q1', 'q2', 'Z9', 'dir/Sub/F.o', 'Dir/sub/g.O'];
    for (const name of names) {
      mkdirSync(dirname(join(top, name)), { recursive: true });
      writeFileSync(join(top, name), '');
    }
    writeFileSync(join(top, '.gitignore'), 'log.*\n*.é\n[[:upper:]]1\n[Q-R]2\n[!A-Y]9\n/DIR/**/*.o\n');
    const expected = askGit(top, names);
    const rules = new Rules(top);
    for (const name of names) {
      const { included, line } = rules.explain(name);
      assert.equal(included ? '' : `.gitignore:${line}`, expected.get(name), name);
    }
  });
});
