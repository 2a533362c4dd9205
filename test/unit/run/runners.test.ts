import assert from 'node:assert/strict';
import { type CustomRunners, type FileToRun, runnerOf } from '../../../src/run/runners.ts';

const plain = { firstLine: '', isUvProject: false };
const first = (file: Partial<FileToRun> & { name: string; languageId: string }, custom?: CustomRunners) =>
  runnerOf({ ...plain, ...file }, custom)?.[0]?.argv.join(' ');

describe('runnerOf', () => {
  it("returns the built-in runner of a file's language", () => {
    assert.equal(first({ name: 'a.py', languageId: 'python' }), 'python3 -u');
    assert.equal(first({ name: 'a.r', languageId: 'r' }), 'Rscript');
    assert.equal(first({ name: 'a.txt', languageId: 'plaintext' }), undefined);
    assert.equal(first({ name: 'a', languageId: 'constructor' }), undefined);
  });

  it('prefers uv in a uv project, and falls back to Python', () => {
    const runner = runnerOf({ ...plain, name: 'a.py', languageId: 'python', isUvProject: true });
    assert.deepEqual(
      runner?.map(({ argv }) => argv[0]),
      ['uv', 'python3', 'python'],
    );
  });

  it('uses the shebang of shell scripts and of files without a known language', () => {
    assert.equal(first({ name: 'a.sh', languageId: 'shellscript', firstLine: '#!/usr/bin/env zsh' }), 'zsh');
    assert.equal(first({ name: 'tool', languageId: 'plaintext', firstLine: '#! /usr/bin/awk -f' }), '/usr/bin/awk -f');
    assert.equal(first({ name: 'x', languageId: 'plaintext', firstLine: '#!/usr/bin/env -S deno run' }), 'deno run');
    assert.equal(first({ name: 'a.py', languageId: 'python', firstLine: '#!/home/me/bin/python' }), 'python3 -u');
    assert.equal(first({ name: 'x', languageId: 'plaintext', firstLine: '#!/usr/bin/env' }), undefined);
  });

  it("prefers the user's own runners, by extension before language", () => {
    const custom = { '.py': ['pypy'], python: ['py'], julia: ['julia', '--project'], ruby: [] };
    assert.equal(first({ name: 'a.py', languageId: 'python' }, custom), 'pypy');
    assert.equal(first({ name: 'a.pyw', languageId: 'python' }, custom), 'py');
    assert.equal(first({ name: 'a.jl', languageId: 'julia' }, custom), 'julia --project');
    assert.equal(first({ name: 'a.rb', languageId: 'ruby' }, custom), 'ruby');
  });
});
