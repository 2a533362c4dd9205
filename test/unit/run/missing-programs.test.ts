import assert from 'node:assert/strict';
import { explainMark, WrapperMark } from '../../../src/run/command.ts';
import { runnerOf } from '../../../src/run/runners.ts';
import { strings } from '../../../src/run/strings.ts';

describe('The explanation of a missing program', () => {
  const explain = (program: string, cwd = '') =>
    explainMark(WrapperMark.noProgram, { cwd, programs: [{ argv: [program] }] })?.error;

  it("says that environments aren't synced, and names the image's program", () => {
    for (const [program, name, cwd] of [
      ['/workspace/.venv/bin/python', 'python'],
      ['.venv/bin/python3', 'python3'],
      ['./venv/bin/gunicorn', 'gunicorn'],
      ['../.venv/bin/pytest', 'pytest', 'packages/a'],
      ['/workspace/my-env/bin/python3.12', 'python3.12'],
      ['node_modules/.bin/jest', 'jest'],
      ['/workspace/web/node_modules/.bin/vite', 'vite'],
      ['.tox/py312/bin/pytest', 'pytest'],
      ['.venv\\Scripts\\python.exe', 'python'],
      ['bin/ruff', 'ruff', '.venv'],
    ] as const)
      assert.equal(explain(program, cwd), strings.environmentNotSynced(program.replaceAll('\\', '/'), name), program);
  });

  it('says that other programs of the folder may not be synced', () => {
    for (const program of ['/workspace/build/tool', './run.sh', 'sub/tool'])
      assert.equal(explain(program), strings.programNotSynced(program));
  });

  it("says that programs of other places aren't installed", () => {
    for (const program of ['python3.7', '/usr/bin/foo', '../tool', '/workspaces/.venv/bin/python'])
      assert.equal(explain(program), strings.programNotInstalled(program));
    const programs = [{ argv: ['uv'] }, { argv: ['python'], label: 'Python' }] as const;
    const expected = strings.noProgramInstalled('uv, Python');
    assert.equal(explainMark(WrapperMark.noProgram, { cwd: '', programs })?.error, expected);
  });

  it('names a program once that several ways of starting would need', () => {
    const { programs } = runnerOf({ name: 'test_a.py', languageId: 'python', text: 'def test_x(): ...\n' }) ?? {};
    const error = explainMark(WrapperMark.noProgram, { cwd: '', programs: programs ?? [] })?.error;
    assert.equal(error, strings.programNotInstalled('pytest'));
  });

  it('says where a command line belongs that is given as a program', () => {
    const line = 'python -m pkg --epochs 2';
    assert.equal(explain(line), strings.commandLineNotRun(line));
  });
});
