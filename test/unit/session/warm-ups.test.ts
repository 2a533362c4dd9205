import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { Sandbox } from 'modal';
import { AccountError } from '../../../src/modal/accounts.ts';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { Machine } from '../../../src/session/machine.ts';
import type { Obstacle } from '../../../src/session/obstacle.ts';
import { WarmPool, type WarmTarget } from '../../../src/session/pool.ts';
import { type WarmUpParts, WarmUps } from '../../../src/session/warm-ups.ts';
import { Time } from '../../helpers/time.ts';

const MINUTE_MS = 60_000;
const MORNING = Date.parse('2026-11-20T08:00:00Z');

function target(warm: object = {}, profile: object = {}): WarmTarget {
  const parsed = ProfileSchema.parse({ ...profile, warm });
  assert.ok(parsed.warm);
  return { folder: { name: 'f', path: '/f' }, named: { name: 'p', profile: parsed }, warm: parsed.warm };
}

/** Warm-ups whose time, chance and sandboxes are the test's; what they did is in `log`. */
class Scene {
  readonly time = new Time(MORNING);
  readonly log: string[] = [];
  readonly living = new Set<string>();
  readonly pool: WarmPool;
  readonly machine: Machine;
  readonly warmUps: WarmUps;
  targets: WarmTarget[] = [];
  obstacle: Obstacle | Error | undefined;
  account = 'main';
  prepare: () => Promise<void> = async () => {};
  sync: () => Promise<void> = async () => {};
  check: (sandboxId: string) => Promise<void> = async () => {};
  image: (signal: AbortSignal) => Promise<string> = async () => 'im-1';
  #count = 0;

  constructor(dir: string, name = 'a', parts: Partial<WarmUpParts> = {}) {
    this.machine = new Machine(dir, name);
    this.pool = new WarmPool({
      clock: this.time,
      start: async () => {
        const sandboxId = `${name}-${++this.#count}`;
        this.living.add(sandboxId);
        this.log.push(`start ${sandboxId}`);
        return { sandboxId } as Sandbox;
      },
      account: () => this.account,
      prepare: () => this.prepare(),
      check: ({ sandboxId }) => this.check(sandboxId),
      sync: async ({ sandboxId }) => {
        this.log.push(`sync ${sandboxId}`);
        await this.sync();
      },
      touch: async ({ sandboxId }) => {
        if (!this.living.has(sandboxId)) throw new Error('gone');
        this.log.push(`touch ${sandboxId}`);
      },
      end: async ({ sandboxId }) => {
        this.living.delete(sandboxId);
        this.log.push(`end ${sandboxId}`);
      },
    });
    this.warmUps = new WarmUps({
      pool: this.pool,
      machine: this.machine,
      clock: this.time,
      random: () => 0.5,
      targets: async () => this.targets,
      obstacle: async () => {
        if (this.obstacle instanceof Error) throw this.obstacle;
        return this.obstacle;
      },
      refreshImage: async (_, signal) => {
        this.log.push('image');
        return this.image(signal);
      },
      cleanCaches: async () => undefined,
      log: () => {},
      ...parts,
    });
  }

  /** Keeps one target warm from now on. */
  want(wanted: WarmTarget): WarmTarget {
    this.targets = [wanted];
    return wanted;
  }

  /** Lets time pass until something has settled. */
  async until(work: Promise<void>, stepMs = MINUTE_MS): Promise<void> {
    let settled = false;
    void work.finally(() => (settled = true));
    while (!settled) {
      await sleep(2);
      if (!settled) await this.time.pass(stepMs);
    }
    await work;
  }

  /** Lets minutes pass one by one, as a machine that is awake does. */
  async minutes(count: number): Promise<void> {
    for (let minute = 0; minute < count; minute += 1) {
      await this.time.pass(MINUTE_MS);
      await this.rest();
    }
  }

  /** Until everything that was begun has been done, files included. */
  async rest(): Promise<void> {
    for (let round = 0; round < 20; round += 1) await turn();
    await this.warmUps.update();
  }

  refreshes = () => this.log.filter((line) => line === 'image').length;
}

describe('warm-ups', () => {
  let dir: string;
  let scenes: Scene[];
  const scene = (name?: string, parts?: Partial<WarmUpParts>) => {
    const made = new Scene(dir, name, parts);
    scenes.push(made);
    return made;
  };

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'warm-'));
    scenes = [];
  });
  afterEach(async () => {
    await Promise.all(scenes.map(({ warmUps }) => warmUps.dispose()));
    await rm(dir, { recursive: true, force: true });
  });

  it('make no call and set no timer while no profile asks for them, over ten minutes and more', async () => {
    const { warmUps, time, log } = scene();
    await warmUps.update();
    assert.deepEqual(time.next(), []);
    await time.pass(10 * MINUTE_MS);
    assert.deepEqual(log, []);
  });

  it('start a sandbox at once, and refresh by the schedule of a day', async () => {
    const s = scene();
    const { folder } = s.want(target({ refresh: '0 * * * *', timezone: 'UTC', maxAgeMs: 86_400_000 }));
    await s.warmUps.update();
    assert.equal(s.pool.count(folder, 'p'), 1);
    await s.minutes(24 * 60);
    assert.equal(s.refreshes(), 25);
    assert.equal(s.living.size, 1);
    assert.equal((await s.warmUps.records()).length, 25);
  });

  it('do what was missed in sleep once, not as a burst', async () => {
    const s = scene();
    s.targets = [target({ refresh: 30 })];
    await s.warmUps.update();
    await s.time.pass(9 * 60 * MINUTE_MS);
    await s.rest();
    assert.equal(s.refreshes(), 2);
    await s.minutes(29);
    assert.equal(s.refreshes(), 2);
    await s.minutes(2);
    assert.equal(s.refreshes(), 3);
  });

  it('keep a waiting sandbox from ending when idle, and replace one that has ended', async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 1_000 }, { idleTimeoutMs: 600_000 }));
    await s.warmUps.update();
    await s.minutes(12);
    assert.deepEqual(
      s.log.filter((line) => line.startsWith('touch')),
      Array(3).fill('touch a-1'),
    );
    s.living.clear();
    await s.minutes(5);
    assert.equal(s.pool.take(folder, named)?.sandboxId, 'a-2');
  });

  it('replace sandboxes that are too old, and those of a profile that has changed', async () => {
    const s = scene();
    s.targets = [target({ refresh: 30, maxAgeMs: 3_600_000 })];
    await s.warmUps.update();
    await s.minutes(65);
    assert.deepEqual([...s.living], ['a-2']);
    s.targets = [target({ refresh: 30 }, { cpu: 2 })];
    await s.warmUps.update();
    assert.deepEqual([...s.living], ['a-3']);
    s.targets = [];
    await s.warmUps.update();
    assert.deepEqual([...s.living], []);
    assert.deepEqual(s.time.next(), []);
  });

  it('cost nothing while something stands against it, and say what', async () => {
    const s = scene();
    s.targets = [target({ refresh: 30 })];
    s.obstacle = { words: 'the budget is spent' };
    await s.warmUps.update();
    await s.minutes(120);
    assert.deepEqual(s.log, []);
    assert.deepEqual([...s.warmUps.paused.values()], ['the budget is spent']);
    s.obstacle = undefined;
    await s.warmUps.update();
    assert.equal(s.living.size, 1);
    assert.equal(s.warmUps.paused.size, 0);
  });

  it('let what is warm end of being idle while they are paused, whatever changes in the folder', async () => {
    const s = scene();
    const { folder } = s.want(target({ refresh: 1_000 }, { idleTimeoutMs: 600_000 }));
    await s.warmUps.update();
    s.obstacle = { words: 'the window is not in front' };
    await s.minutes(60);
    await s.warmUps.sync(folder);
    assert.deepEqual(s.log, ['image', 'start a-1']);
    s.living.clear();
    s.obstacle = undefined;
    await s.warmUps.update();
    await s.warmUps.update();
    assert.deepEqual([...s.living], ['a-2'], 'there is one again as soon as they go on');
  });

  it('end what is warm at once when the budget is spent', async () => {
    const s = scene();
    s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    s.obstacle = { words: 'the budget is spent', ends: true };
    await s.minutes(1);
    assert.deepEqual([...s.living], []);
  });

  it('check what is warm at each refresh, and replace what is not healthy any more', async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    s.check = async (sandboxId) => {
      if (sandboxId === 'a-1') throw new Error('the disk is full');
    };
    await s.minutes(31);
    assert.deepEqual((await s.warmUps.records())[0]?.did, [
      'image unchanged',
      'ended 1 unhealthy sandbox',
      'started 1 sandbox',
    ]);
    assert.equal(s.pool.take(folder, named)?.sandboxId, 'a-2');
  });

  it('replace sandboxes of an older image, and those that have used up half of their lifetime', async () => {
    const s = scene();
    s.want(target({ refresh: 30, maxAgeMs: 86_400_000 }, { timeoutMs: 7_200_000, idleTimeoutMs: 600_000 }));
    await s.warmUps.update();
    s.image = async () => 'im-2';
    await s.minutes(31);
    assert.deepEqual([...s.living], ['a-2']);
    assert.deepEqual((await s.warmUps.records())[0]?.did, ['image is new', 'ended 1 old sandbox', 'started 1 sandbox']);
    await s.minutes(61);
    assert.deepEqual([...s.living], ['a-3']);
  });

  it('give out nothing of another account, and end it', async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    s.account = 'other';
    assert.equal(s.pool.take(folder, named), undefined);
    await s.warmUps.update();
    assert.deepEqual([...s.living], ['a-2']);
    assert.equal(s.pool.take(folder, named)?.sandboxId, 'a-2');
  });

  it('do not end a sandbox that a run takes while it is synced, when that fails', async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    const gate = Promise.withResolvers<void>();
    s.sync = () => gate.promise;
    const syncing = s.warmUps.sync(folder);
    assert.equal(s.pool.take(folder, named)?.sandboxId, 'a-1');
    gate.reject(new Error('lost'));
    await syncing;
    assert.deepEqual([...s.living], ['a-1']);
  });

  it('give out no sandbox that failed its health check, and end it', async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 30 }));
    s.prepare = async () => {
      throw new Error('no torch');
    };
    await s.until(s.warmUps.update());
    assert.equal(s.living.size, 0);
    assert.equal(s.log.filter((line) => line.startsWith('start')).length, 3, 'three tries');
    assert.match((await s.warmUps.records())[0]?.error ?? '', /no torch/);
    assert.equal(s.pool.take(folder, named), undefined);
  });

  it('end a refresh that hangs after ten minutes, and say so', async () => {
    const s = scene();
    s.want(target({ refresh: 30 }));
    s.image = () => new Promise(() => {});
    await s.until(s.warmUps.update());
    const [record] = await s.warmUps.records();
    assert.match(record?.error ?? '', /more than ten minutes/);
    assert.equal((record?.endedAt ?? 0) - (record?.startedAt ?? 0), 10 * MINUTE_MS);
    assert.equal(s.living.size, 0);
  });

  it('try again after being throttled, with pauses that grow, and say so when it goes on', async () => {
    const s = scene();
    s.want(target({ refresh: 30 }));
    const triedAt: number[] = [];
    s.image = async () => {
      triedAt.push(s.time.now());
      throw Object.assign(new Error('slow down'), { code: 8 });
    };
    await s.until(s.warmUps.update(), 500);
    const [first = 0, second = 0, third = 0] = triedAt.map((at) => at - MORNING);
    assert.equal(triedAt.length, 3);
    // 2 s and 8 s, and half of each by chance; time passes in steps, of which a few may go while files are written.
    const isAbout = (pauseMs: number, expectedMs: number) => pauseMs >= expectedMs && pauseMs <= expectedMs + 2_000;
    assert.ok(isAbout(second - first, 3_000), `${second - first}`);
    assert.ok(isAbout(third - second, 12_000), `${third - second}`);
    assert.match((await s.warmUps.records())[0]?.error ?? '', /Modal has no room for this now \(slow down\)/);
    s.image = async () => 'im-1';
    await s.minutes(29);
    assert.equal(s.living.size, 0, 'nothing is tried before the next refresh');
    await s.minutes(2);
    assert.equal(s.living.size, 1);
  });

  it('wait no longer than ten minutes for a start that hangs, as while Modal throttles, and end it when it comes', async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 1_000 }));
    await s.warmUps.update();
    s.pool.take(folder, named);
    const gate = Promise.withResolvers<void>();
    s.prepare = () => gate.promise;
    await s.until(s.warmUps.update());
    assert.equal(s.time.now() - MORNING, 10 * MINUTE_MS);
    gate.resolve();
    await turn();
    assert.deepEqual([...s.living], ['a-1'], 'only what a run has taken');
  });

  it('pause when the account is signed out in the middle, and go on when there is one again', async () => {
    const s = scene();
    s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    s.obstacle = new AccountError('No account is chosen.');
    await s.minutes(40);
    assert.match([...s.warmUps.paused.values()].join(), /^No account is chosen\. Sign in/);
    assert.equal(s.refreshes(), 1);
    s.obstacle = undefined;
    await s.minutes(1);
    assert.equal(s.refreshes(), 2);
  });

  it('are put off by no clock that is set back, and do not run in a burst when it is set forward', async () => {
    const s = scene();
    s.want(target({ refresh: 30 }, { idleTimeoutMs: 600_000 }));
    await s.warmUps.update();
    await s.time.set(MORNING - 5 * 60 * MINUTE_MS);
    await s.rest();
    assert.equal(s.log.at(-1), 'touch a-1');
    await s.minutes(31);
    assert.equal(s.refreshes(), 2);
    await s.time.set(MORNING + 5 * 60 * MINUTE_MS);
    await s.rest();
    assert.equal(s.refreshes(), 3);
    await s.minutes(29);
    assert.equal(s.refreshes(), 3);
  });

  it('keep to the local time of their time zone when the clocks change', async () => {
    const s = scene();
    s.time.set(Date.parse('2026-10-24T12:00:00Z'));
    s.want(target({ refresh: '30 8 * * *', timezone: 'Europe/Berlin' }));
    await s.warmUps.update();
    const before = s.refreshes();
    await s.time.set(Date.parse('2026-10-25T07:29:00Z'));
    await s.rest();
    assert.equal(s.refreshes(), before, '08:29 in winter, where it was 09:29 in summer');
    await s.minutes(1);
    assert.equal(s.refreshes(), before + 1);
    await s.time.set(Date.parse('2027-03-28T06:29:00Z'));
    await s.rest();
    const spring = s.refreshes();
    await s.minutes(1);
    assert.equal(s.refreshes(), spring + 1, '08:30 in summer');
  });

  it('do not try again when the account is refused, as after signing out', async () => {
    const s = scene();
    s.targets = [target({ refresh: 30 })];
    let failures = 0;
    s.image = async () => {
      failures += 1;
      throw Object.assign(new Error('bad token'), { code: 16 });
    };
    await s.warmUps.update();
    assert.equal(failures, 1);
    assert.match((await s.warmUps.records())[0]?.error ?? '', /did not accept the token/);
  });

  it('refresh in one window at a time, and remember those of all', async () => {
    const a = scene('a');
    const b = scene('b');
    const gate = Promise.withResolvers<string>();
    a.image = () => gate.promise;
    a.targets = [target({ refresh: 30 })];
    b.targets = [target({ refresh: 30 })];
    const first = a.warmUps.update();
    while (a.refreshes() === 0) await turn();
    await b.warmUps.update();
    assert.equal(b.refreshes(), 0, 'the other window refreshes');
    gate.resolve('image built');
    await first;
    await b.minutes(1);
    assert.equal(b.refreshes(), 1);
    assert.equal((await b.warmUps.records()).length, 2);
  });

  it('start a replacement when a run has taken one', async () => {
    const s = scene();
    const wanted = s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    assert.equal(s.pool.take(wanted.folder, wanted.named)?.sandboxId, 'a-1');
    await s.warmUps.replenish(wanted);
    assert.equal(s.pool.take(wanted.folder, wanted.named)?.sandboxId, 'a-2');
    s.obstacle = { words: 'the window is not in front' };
    await s.warmUps.replenish(wanted);
    assert.equal(s.pool.count(wanted.folder, 'p'), 0);
  });

  it('of a profile without warm sandboxes look after its image and a probe', async () => {
    const s = scene();
    s.targets = [target({ sandboxes: 0, refresh: 30 })];
    await s.warmUps.update();
    assert.deepEqual(s.log, ['image', 'start a-1', 'end a-1']);
    assert.deepEqual((await s.warmUps.records())[0]?.did, ['image is ready', 'a probe was healthy']);
  });

  it('end what is warm when the window ends', async () => {
    const s = scene();
    s.targets = [target({ sandboxes: 2, refresh: 30 })];
    await s.warmUps.update();
    assert.equal(s.living.size, 2);
    await s.warmUps.dispose();
    assert.equal(s.living.size, 0);
    assert.deepEqual(s.time.next(), []);
  });
});
