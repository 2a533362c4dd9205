import assert from 'node:assert/strict';
import { exited } from '../../../src/run/result.ts';
import { summaryOf } from '../../../src/run/summary.ts';

describe('summaryOf', () => {
  const timings = { startMs: 2100, syncMs: 45, firstOutputMs: 130, runMs: 65_432 };

  it('describes how a run ended, where its time went, and what it cost', () => {
    assert.equal(
      summaryOf({ ...exited(0), timings, costUsd: 0.00213 }),
      'Exited with code 0 · start 2.1 s · sync 45 ms · first output 130 ms · run 1 min 5 s · about $0.0021',
    );
  });

  it('names the signal that ended the program', () => {
    assert.equal(summaryOf(exited(143)), 'Exited with code 143 (SIGTERM)');
    assert.equal(summaryOf(exited(143, { isSignal: false })), 'Exited with code 143');
  });

  it('names each signal that ends programs, and no other one', () => {
    const names = {
      129: 'HUP',
      130: 'INT',
      138: 'USR1',
      140: 'USR2',
      142: 'ALRM',
      152: 'XCPU',
      153: 'XFSZ',
      154: 'VTALRM',
    };
    for (const [code, name] of Object.entries({ ...names, 155: 'PROF', 158: 'PWR', 159: 'SYS' }))
      assert.equal(summaryOf(exited(Number(code))), `Exited with code ${code} (SIG${name})`);
    for (const [code, name] of Object.entries({
      131: 'QUIT',
      132: 'ILL',
      134: 'ABRT',
      136: 'FPE',
      139: 'SEGV',
      141: 'PIPE',
    }))
      assert.equal(summaryOf(exited(Number(code))), `Exited with code ${code} (SIG${name})`);
    for (const code of [0, 1, 127, 128, 145, 146, 148, 150, 151, 156, 160, 192, 255])
      assert.equal(summaryOf(exited(code)), `Exited with code ${code}`);
  });

  it('returns only the error if the run failed', () => {
    assert.equal(summaryOf({ outcome: 'failed', error: 'No.' }), 'No.');
  });
});
