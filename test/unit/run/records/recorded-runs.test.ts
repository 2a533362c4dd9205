import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execute } from '../../../../src/api/execute.ts';
import { runRequest } from '../../../../src/run/request.ts';
import { localRuns } from '../local-runs.ts';

describe('The record of a run on Local Modal', () => {
  const runs = localRuns();

  /** Returns the latest record, and what it has of the output. */
  async function latest() {
    const { records } = runs.folder.services;
    await records.flush();
    const [record] = await records.latest(1, () => true);
    assert.ok(record?.end);
    return { ...record, ...record.end, output: String((await records.output(record))?.head) };
  }

  it('has its phases, what was synced, and what it printed to both streams', async () => {
    await writeFile(join(runs.folder.path, 'data.txt'), 'some data');
    const { run } = await runs.start('echo out; sleep 0.1; echo err >&2; exit 3', { pty: false, pull: ['*.out'] });
    const { timings } = await run.done;
    const record = await latest();
    assert.deepEqual([record.label, record.outcome, record.exitCode], ['a.sh', 'exited', 3]);
    assert.equal(record.command, 'bash /workspace/a.sh');
    assert.equal(record.output, 'out\nerr\n');
    assert.deepEqual(record.timings, timings);
    assert.ok(record.timings?.pullMs !== undefined && record.timings.firstOutputMs !== undefined);
    assert.equal(record.synced?.files, 2);
  });

  it('says that it was canceled, and has what it printed until then', async () => {
    const { run, shows } = await runs.start('echo ready; while :; do sleep 0.1; done', { pty: false });
    await shows('ready');
    run.cancel();
    await run.done;
    const record = await latest();
    assert.equal(record.output, 'ready\n');
    assert.notEqual(record.exitCode, 0);
  });

  it('is left by the API, too, without the secrets of the environment', async () => {
    const { folder } = runs;
    const request = runRequest({
      folder: { name: 'folder', path: folder.path },
      label: 'printenv',
      programs: [{ argv: ['printenv', 'MY_API_KEY'] as const }],
      env: { MY_API_KEY: 'planted-secret' },
    });
    assert.equal((await execute(request, folder.services)).stdout, 'planted-secret\n');
    assert.equal((await latest()).output, '***\n');
  });

  it('leaves none if the run is none to users', async () => {
    const { run } = await runs.start('echo hidden', { record: 'none' });
    await run.done;
    await runs.folder.services.records.flush();
    assert.deepEqual(await runs.folder.services.records.days(), []);
  });
});
