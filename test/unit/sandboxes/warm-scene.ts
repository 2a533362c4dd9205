import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { Sandbox } from 'modal';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { MachineState } from '../../../src/sandboxes/machine-state.ts';
import type { PauseReason } from '../../../src/sandboxes/warm/pause-reason.ts';
import { WarmPool, type WarmTarget } from '../../../src/sandboxes/warm/pool.ts';
import { WarmUps } from '../../../src/sandboxes/warm/warm-ups.ts';
import { Time } from '../../helpers/time.ts';

export const MINUTE_MS = 60_000;
export const MORNING = Date.parse('2026-11-20T08:00:00Z');

/** A folder's profile with `warm`. */
export function target(warm: object = {}, profile: object = {}): WarmTarget {
  const parsed = ProfileSchema.parse({ ...profile, warm });
  assert.ok(parsed.warm);
  return {
    folder: { name: 'f', path: '/f' },
    named: { name: 'p', profile: parsed, origin: 'user' },
    warm: parsed.warm,
  };
}

/** Warm-ups with simulated time, randomness and sandboxes. `log` records what they did. */
export class Scene {
  readonly time = new Time(MORNING);
  readonly log: string[] = [];
  readonly living = new Set<string>();
  readonly pool: WarmPool;
  readonly machine: MachineState;
  readonly warmUps: WarmUps;
  targets: WarmTarget[] = [];
  pauseReason: PauseReason | Error | undefined;
  account = 'main';
  prepare: () => Promise<void> = async () => {};
  sync: () => Promise<void> = async () => {};
  check: (sandboxId: string) => Promise<void> = async () => {};
  image: (signal: AbortSignal) => Promise<string> = async () => 'im-1';
  #count = 0;

  constructor(dir: string, name = 'a') {
    this.machine = new MachineState(dir, name);
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
      letGo: async ({ sandboxId }) => {
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
      pauseReason: async () => {
        if (this.pauseReason instanceof Error) throw this.pauseReason;
        return this.pauseReason;
      },
      refreshImage: async (_, signal) => {
        this.log.push('image');
        return this.image(signal);
      },
      cleanCaches: async () => undefined,
      log: () => {},
    });
  }

  /** Keeps one target warm. Returns it. */
  want(wanted: WarmTarget): WarmTarget {
    this.targets = [wanted];
    return wanted;
  }

  /** Lets time pass until `work` has settled. */
  async until(work: Promise<void>, stepMs = MINUTE_MS): Promise<void> {
    let settled = false;
    void work.finally(() => (settled = true));
    while (!settled) {
      await sleep(2);
      if (!settled) await this.time.pass(stepMs);
    }
    await work;
  }

  /** Lets minutes pass one by one, as on a computer that is awake. */
  async minutes(count: number): Promise<void> {
    for (let minute = 0; minute < count; minute += 1) {
      await this.time.pass(MINUTE_MS);
      await this.rest();
    }
  }

  /** Waits until everything in progress is done, including file access. */
  async rest(): Promise<void> {
    for (let round = 0; round < 20; round += 1) await turn();
    await this.warmUps.update();
  }

  refreshes = () => this.log.filter((line) => line === 'image').length;
}

/** Registers hooks that give each test its own machine state. Returns a function that opens a window on it. */
export function scenesOfOneMachine(): (name?: string) => Scene {
  let dir: string;
  let scenes: Scene[];
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'warm-'));
    scenes = [];
  });
  afterEach(async () => {
    await Promise.all(scenes.map(({ warmUps }) => warmUps.dispose()));
    await rm(dir, { recursive: true, force: true });
  });
  return (name) => {
    const made = new Scene(dir, name);
    scenes.push(made);
    return made;
  };
}
