import assert from 'node:assert/strict';
import { type CustomRunners, type FileToRun, runnerOf } from '../../../src/run/runners.ts';

const plain = { firstLine: '', isUvProject: false };
const first = (file: Partial<FileToRun> & { name: string; languageId: string }, custom?: CustomRunners) =>
  runnerOf({ ...plain, ...file }, custom)?.[0]?.argv.join(' ');

describe('the runner of a file', () => {
  it('is its language’s', () => {
    assert.equal(first({ name: 'a.py', languageId: 'python' }), 'python3 -u');
    assert.equal(first({ name: 'a.r', languageId: 'r' }), 'Rscript');
    assert.equal(first({ name: 'a.txt', languageId: 'plaintext' }), undefined);
    assert.equal(first({ name: 'a', languageId: 'constructor' }), undefined);
  });

  it('is uv’s in a project of uv’s, with Python as it is where uv is missing', () => {
    const runner = runnerOf({ ...plain, name: 'a.py', languageId: 'python', isUvProject: true });
    assert.deepEqual(
      runner?.map(({ argv }) => argv[0]),
      ['uv', 'python3', 'python'],
    );
  });

  it('is its first line’s for shells and for files of no known language', () => {
    assert.equal(first({ name: 'a.sh', languageId: 'shellscript', firstLine: '#!/usr/bin/env zsh' }), 'zsh');
    assert.equal(first({ name: 'tool', languageId: 'plaintext', firstLine: '#! /usr/bin/awk -f' }), '/usr/bin/awk -f');
    assert.equal(first({ name: 'x', languageId: 'plaintext', firstLine: '#!/usr/bin/env -S deno run' }), 'deno run');
    assert.equal(first({ name: 'a.py', languageId: 'python', firstLine: '#!/home/me/bin/python' }), 'python3 -u');
    assert.equal(first({ name: 'x', languageId: 'plaintext', firstLine: '#!/usr/bin/env' }), undefined);
  });

  it('is the user’s own before any other, by extension before language', () => {
    const custom = { '.py': ['pypy'], python: ['py'], julia: ['julia', '--project'], ruby: [] };
    assert.equal(first({ name: 'a.py', languageId: 'python' }, custom), 'pypy');
    assert.equal(first({ name: 'a.pyw', languageId: 'python' }, custom), 'py');
    assert.equal(first({ name: 'a.jl', languageId: 'julia' }, custom), 'julia --project');
    assert.equal(first({ name: 'a.rb', languageId: 'ruby' }, custom), 'ruby');
  });
});
