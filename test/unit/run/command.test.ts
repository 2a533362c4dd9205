import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { quote } from '../../../src/base/shell.ts';
import { EXIT_WRAPPER, WrapperMark } from '../../../src/run/command.ts';
import { endCommand } from '../../../src/run/control.ts';
import type { ProgramCandidate } from '../../../src/run/runners.ts';
import { runCommand } from '../../helpers/run-command.ts';

function run(argv: string[]) {
  const [program = '', ...args] = argv;
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return { status, stdout };
}

function programsOf(...argvs: [string, ...string[]][]): ProgramCandidate[] {
  return argvs.map((argv) => ({ argv }));
}

describe('runCommand', () => {
  it('runs the first program that exists, with its own arguments before the file', () => {
    const programs = programsOf(['no-such-program'], ['sh', '-e'], ['false']);
    assert.deepEqual(
      run(runCommand(programs, ['-c', 'echo "$0" "$1" $-', 'a b', 'c'], { runId: 't1', cwd: '/', shellArgs: '' })),
      {
        status: 0,
        stdout: 'a b c e\n',
      },
    );
  });

  it('prints only a mark if no program exists', () => {
    const result = run(runCommand(programsOf(['no-such-program']), ['x.py'], { runId: 't2', cwd: '/', shellArgs: '' }));
    assert.deepEqual(result, { status: EXIT_WRAPPER, stdout: WrapperMark.noProgram });
  });

  it("prints a mark of its own if the working directory doesn't exist", () => {
    const result = run(runCommand(programsOf(['true']), [], { runId: 't5', cwd: '/no such folder', shellArgs: '' }));
    assert.deepEqual(result, { status: EXIT_WRAPPER, stdout: WrapperMark.noFolder });
  });

  it('skips a program whose probe fails', () => {
    const programs: ProgramCandidate[] = [
      { argv: ['sh', '-e'], probe: ['false'] },
      { argv: ['sh', '-u'], probe: ['true'] },
    ];
    assert.deepEqual(run(runCommand(programs, ['-c', 'echo $-'], { runId: 't4', cwd: '/', shellArgs: '' })), {
      status: 0,
      stdout: 'u\n',
    });
  });

  it('appends arguments as a shell expands them', () => {
    const argv = runCommand(programsOf(['printf']), ['%s|'], {
      runId: 't6',
      cwd: '/',
      shellArgs: `a "b c" 'it''s' $((6*7))`,
    });
    assert.equal(run(argv).stdout, 'a|b c|its|42|');
  });

  it("exits with the program's exit code", () => {
    assert.equal(
      run(runCommand(programsOf(['sh']), ['-c', 'exit 42'], { runId: 't3', cwd: '/', shellArgs: '' })).status,
      42,
    );
  });

  it('quotes any word for a shell', () => {
    for (const word of ['', 'plain', 'a b', "it's", '$HOME', '`id`', 'a\nb', '*', '-n', 'ü✓'])
      assert.equal(run(['sh', '-c', `printf %s ${quote(word)}`]).stdout, word);
  });

  it('can be stopped by its run ID even if it never started', () => {
    assert.deepEqual(run(endCommand('never-started')), { status: 0, stdout: 'gone\n' });
  });
});
