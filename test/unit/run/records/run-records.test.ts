import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DAY_MS } from '../../../../src/base/clock.ts';
import { ProfileSchema } from '../../../../src/profiles/schema.ts';
import { describeRecord } from '../../../../src/run/records/describe.ts';
import { parseRecords, type RunRecord } from '../../../../src/run/records/record.ts';
import { dayOf, RunRecords, type RunRecordsOptions } from '../../../../src/run/records/run-records.ts';
import { runRequest } from '../../../../src/run/request.ts';
import { CANCELED, exited, failed } from '../../../../src/run/result.ts';
import { Time } from '../../../helpers/time.ts';

const NOON = new Date('2026-12-01T12:00').getTime();

describe('Records of runs', () => {
  let root: string;
  let time: Time;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'records-'));
    time = new Time(NOON);
  });
  afterEach(() => rm(root, { recursive: true }));

  const recordsOf = (windowId: string, options: Partial<RunRecordsOptions> = {}, profile: object = {}) =>
    new RunRecords({
      dir: join(root, 'runs'),
      windowId,
      clock: time,
      profile: async () => ({ profile: ProfileSchema.parse(profile) }),
      root: () => root,
      ...options,
    });
  const request = (label: string, parts: object = {}) =>
    runRequest({
      folder: { name: 'folder', path: root },
      label,
      programs: [{ argv: ['python3'] as const }],
      args: ['/workspace/a b.py'],
      ...parts,
    });
  const today = dayOf(NOON);
  const stored = async () => {
    const names = await readdir(root, { recursive: true, withFileTypes: true });
    const files = names.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
    return Buffer.concat(await Promise.all(files.map((path) => readFile(path))));
  };

  it('keep what was run, its times, its cost, its end, and its output', async () => {
    const records = recordsOf('one');
    const again = { kind: 'file', uri: 'file:///a.py', args: '--fast' } as const;
    const recording = records.begin('1', request('a.py', { shellArgs: '--fast', again }));
    recording.inSandbox();
    await records.flush();
    const [running] = await records.ofDay(today);
    assert.ok(running);
    assert.equal(describeRecord(running, true), 'running');
    assert.equal(describeRecord(running, false), 'lost with its window');
    recording.add(Buffer.from('one\n'));
    recording.add(Buffer.from('two\n'));
    await time.pass(42_000);
    const timings = { startMs: 1, syncMs: 2, firstOutputMs: 3, runMs: 4 };
    const facts = { sandboxId: 'sb-1', profile: 'gpu', timings, costUsd: 0.004, pricePerHourUsd: 0.34 };
    recording.end({ ...exited(3), ...facts }, { files: 2, bytes: 300 });
    await records.flush();
    const [record] = await recordsOf('two').ofDay(today);
    assert.deepEqual(record, {
      id: '1',
      at: NOON,
      windowId: 'one',
      label: 'a.py',
      command: "python3 '/workspace/a b.py' --fast",
      folder: { name: 'folder', path: root },
      again,
      end: {
        durationMs: 42_000,
        outcome: 'exited',
        exitCode: 3,
        ...facts,
        synced: { files: 2, bytes: 300 },
        output: { bytes: 8, headBytes: 8, isCut: false },
      },
    });
    assert.equal(describeRecord(record, false), '0:42 · $0.004 · exit 3');
    assert.equal(String((await records.output(record))?.head), 'one\ntwo\n');
  });

  it('keep only the start and the end of a long output', async () => {
    const records = recordsOf('one', { keptBytes: 10 });
    const recording = records.begin('1', request('a.py'));
    for (let at = 0; at < 100; at += 1) recording.add(Buffer.from(`${at % 10}`.repeat(7)));
    recording.end(exited(0), undefined);
    await records.flush();
    const [record] = await records.ofDay(today);
    assert.ok(record);
    const { head, tail, missingBytes } = (await records.output(record)) ?? {};
    assert.deepEqual([String(head), String(tail), missingBytes], ['0000000111', '8889999999', 680]);
  });

  it('never contain a secret of the environment file, the profile, a task, or the command line', async () => {
    await writeFile(
      join(root, '.env'),
      'DATABASE=planted-in-file\nPEM="first planted\nsecond planted"\nMODE=production\n',
    );
    const profile = {
      envFile: '.env',
      env: { API_KEY: 'planted-in-profile', NAME: 'visible' },
      image: { registry: 'debian:12', buildSecrets: ['PLANTED_BUILD_TOKEN'] },
    };
    process.env.PLANTED_BUILD_TOKEN = 'planted-in-build';
    const records = recordsOf('one', {}, profile);
    const env = { SESSION_TOKEN: 'planted-in-task' };
    const args = ['-c', 'connect("planted-in-file")', '--api-key', 'planted-as-option', '--password=planted-again'];
    const again = { kind: 'file', uri: 'file:///a.py', args: 'planted-in-file' } as const;
    const recording = records.begin('1', request('planted-in-file', { args, env, again }));
    recording.inSandbox();
    const output =
      'production visible\nplanted-in-file\nplanted-in-profile planted-in-task planted-in-build\r\nfirst planted\r\nsecond planted\r\n';
    for (const char of output) recording.add(Buffer.from(char));
    recording.end(failed('Could not connect with planted-in-profile.'), undefined);
    await records.flush();
    await rm(join(root, '.env'));
    delete process.env.PLANTED_BUILD_TOKEN;
    const text = String(await stored());
    assert.doesNotMatch(text, /planted/);
    const [record] = await records.ofDay(today);
    assert.ok(record);
    assert.equal(record.command, 'python3 -c \'connect("***")\' --api-key *** --password=***');
    assert.equal(record.again, undefined, 'it could only be repeated as something else');
    assert.equal(String((await records.output(record))?.head), 'production visible\n***\n*** *** ***\r\n***\r\n');
  });

  it('of a run without a sandbox read no variables of this computer', async () => {
    const read: PropertyKey[] = [];
    const { env } = process;
    process.env = new Proxy(env, {
      get: (target, name) => {
        read.push(name);
        return target[String(name)];
      },
    });
    try {
      const profile = { image: { registry: 'debian:12', buildSecrets: ['HOME'] } };
      const records = recordsOf('one', {}, profile);
      records.begin('1', request('a.py')).end(failed('Not allowed.'), undefined);
      await records.flush();
      assert.equal((await records.ofDay(today)).length, 1);
    } finally {
      process.env = env;
    }
    assert.deepEqual(read, []);
  });

  it('load all whole entries of a file that is cut at any byte, and what is written after it', async () => {
    const records = recordsOf('one');
    for (const id of ['1', '2', '3']) {
      await time.pass(1000);
      const recording = records.begin(id, request(`run ${id}`));
      recording.inSandbox();
      if (id !== '3') recording.end(exited(0), undefined);
    }
    await records.flush();
    const whole = await readFile(join(records.dir, `${today}.jsonl`), 'utf8');
    const lines = whole.split('\n');
    for (let length = 0; length <= whole.length; length += 1) {
      const cut = whole.slice(0, length);
      const complete = cut.split('\n').filter((line) => line !== '' && lines.includes(line));
      const started = complete.filter((line) => line.includes('"started"'));
      const ended = complete.filter((line) => line.includes('"ended"'));
      const last = started[0] ?? '';
      const loaded = parseRecords(`${cut}\n${last}\n`);
      assert.equal(loaded.length, started.length, `cut at ${length}`);
      assert.ok(loaded.filter(({ end }) => end).length >= ended.length - 1);
    }
    await writeFile(join(records.dir, `${today}.jsonl`), whole.slice(0, -20));
    records.begin('4', request('run 4')).inSandbox();
    await records.flush();
    const labels = (await records.ofDay(today)).map(({ label }) => label);
    assert.deepEqual(labels, ['run 4', 'run 2', 'run 1']);
  });

  it('of several windows that write at the same time are all kept', async () => {
    const windows = ['one', 'two', 'three'].map((id) => recordsOf(id));
    for (let at = 0; at < 100; at += 1)
      for (const [index, records] of windows.entries())
        records.begin(`${index}-${at}`, request('a.py')).end(at % 2 ? CANCELED : exited(0), undefined);
    await Promise.all(windows.map((records) => records.flush()));
    const all = await recordsOf('four').ofDay(today);
    assert.deepEqual([all.length, all.filter(({ end }) => end).length], [300, 300]);
  });

  it('are read from the latest day that has what is looked for', async () => {
    const records = recordsOf('one');
    for (const label of ['old', 'middle', 'new']) {
      records.begin(label, request(label)).end(exited(0), undefined);
      await records.flush();
      await time.pass(DAY_MS);
    }
    assert.deepEqual(await records.days(), ['2026-12-03', '2026-12-02', '2026-12-01']);
    const labels = async (count: number, fits: (record: RunRecord) => boolean) =>
      (await records.latest(count, fits)).map(({ label }) => label);
    assert.deepEqual(await labels(2, () => true), ['new', 'middle']);
    assert.deepEqual(await labels(2, ({ label }) => label !== 'middle'), ['new', 'old']);
  });

  it('are deleted with their outputs', async () => {
    const records = recordsOf('one');
    for (const id of ['1', '2']) {
      const recording = records.begin(id, request(id));
      recording.add(Buffer.from('text'));
      recording.end(exited(0), undefined);
    }
    await records.flush();
    const [record] = (await records.ofDay(today)).filter(({ id }) => id === '1');
    assert.ok(record);
    await records.delete([record]);
    assert.deepEqual(
      (await records.ofDay(today)).map(({ id }) => id),
      ['2'],
    );
    assert.equal(await records.output(record), undefined);
  });

  it('stay below their limits on disk', async () => {
    const records = recordsOf('one', { maxOutputBytes: 10_000 });
    await time.set(NOON - 100 * DAY_MS);
    records.begin('old', request('old')).end(exited(0), undefined);
    await records.flush();
    await time.set(NOON);
    for (let at = 0; at < 60; at += 1) {
      const recording = records.begin(`${at}`, request('a.py'));
      recording.add(Buffer.alloc(1000, 'x'));
      recording.end(exited(0), undefined);
    }
    await records.flush();
    assert.equal((await records.days()).length, 1);
    const names = await readdir(join(records.dir, 'output'));
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(records.dir, 'output', name))).size));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    // Measured every 20 runs.
    assert.ok(total > 0 && total <= 10_000 + 20_000, `${total} bytes`);
    const [latest] = await records.latest(1, ({ id }) => id === '59');
    assert.ok(latest && (await records.output(latest)), 'the newest output is kept');
  });

  it('are private to the user', async () => {
    const records = recordsOf('one');
    const recording = records.begin('1', request('a.py'));
    recording.add(Buffer.from('text'));
    recording.end(exited(0), undefined);
    await records.flush();
    for (const path of ['', `${today}.jsonl`, 'output', 'output/1'])
      assert.equal((await stat(join(records.dir, path))).mode & 0o077, 0, path);
  });

  it("don't disturb a run if they can't be stored", async () => {
    await appendFile(join(root, 'runs'), 'not a folder');
    const records = recordsOf('one');
    const recording = records.begin('1', request('a.py'));
    recording.add(Buffer.from('text'));
    recording.end(exited(0), undefined);
    await records.flush();
    assert.deepEqual(await records.days(), []);
  });
});
