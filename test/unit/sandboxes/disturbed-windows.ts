/**
 * A process of windows that are disturbed at random moments of their work, for a few rounds, and of which the last round ends
 * with the process: it kills itself. Prints a line for each round.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { wallClock } from '../../../src/base/clock.ts';
import { AccountError } from '../../../src/modal/accounts.ts';
import { pause } from '../../../src/sandboxes/pause.ts';
import { Snapshots } from '../../../src/snapshots/snapshots.ts';
import { takeOrDiscard } from '../../../src/snapshots/take.ts';
import { TestWindow } from '../../helpers/window.ts';
import { random } from '../sync/temporary.ts';

export interface Disturbed {
  readonly url: string;
  readonly machineDir: string;
  /** The parent of the windows' folders. */
  readonly dir: string;
  /** Tells processes apart. */
  readonly name: string;
  readonly seed: number;
  /** The number of windows that are open at a time. */
  readonly windows: number;
  /** The number of rounds, the last one included. */
  readonly rounds: number;
  readonly idleTimeoutMs: number;
  /** Windows reopen the folders of the processes before, whose sandboxes they adopt or end. Otherwise, every other one does. */
  readonly reopensAll: boolean;
}

const OPERATIONS = {
  start: async ({ sessions, folder }) => {
    await sessions.acquire(folder);
  },
  push: async ({ sessions, syncs, folder }) => {
    const { sandbox } = await sessions.acquire(folder);
    await syncs.of(folder).push(sandbox, { ask: () => true });
  },
  // Its profile has a setup, which runs as the sandbox starts.
  setup: async ({ sessions, folder }) => {
    await sessions.acquire(folder);
  },
  pause: async ({ sessions, folder }) => {
    await sessions.acquire(folder);
    await pause(sessions, new Snapshots(async () => (await sessions.connection()).client), folder, 'default');
  },
  restore: async ({ sessions, folder }) => {
    const { sandbox } = await sessions.acquire(folder);
    const imageId = await takeOrDiscard((await sessions.connection()).client, sandbox, { ttlMs: 86_400_000 });
    await sessions.restore(folder, 'default', { imageId });
  },
  fork: async ({ sessions, folder, target }) => {
    const { sandbox } = await sessions.acquire(folder);
    const snapshot = await takeOrDiscard((await sessions.connection()).client, sandbox, { ttlMs: 86_400_000 });
    await sessions.create(target.named, { folder, snapshot: { imageId: snapshot } });
  },
} satisfies Record<string, (window: TestWindow) => Promise<void>>;

const EVENTS = ['disconnect', 'sign-out', 'clock change'] as const;
/** No operation makes many more calls to the control plane. */
const MAX_CALLS = 14;
/** The longest time from a call to the disturbance. */
const MAX_DELAY_MS = 60;

const options: Disturbed = JSON.parse(process.argv[2] ?? '');
const { name, windows, rounds } = options;
/** What all windows of the computer see as the time. */
let clockOffsetMs = 0;
const clock = { ...wallClock, now: () => Date.now() + clockOffsetMs };

for (let round = 0; round < rounds; round += 1)
  await Promise.all(Array.from({ length: windows }, (_, index) => disturbedWindow(round, index)));

async function disturbedWindow(round: number, index: number): Promise<void> {
  const next = random(options.seed * 1_000 + round * 100 + index);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const operation = pick(Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[]);
  const event = round === rounds - 1 ? 'kill' : pick(EVENTS);
  const [calls, delayMs, sizeOfChangeMs] = [next() * MAX_CALLS, next() * MAX_DELAY_MS, (next() - 0.5) * 86_400_000];
  const id = `${name}-${round}-${index}`;
  console.log(`${id}: ${event} during ${operation}`);
  const path = join(options.dir, options.reopensAll || index % 2 === 0 ? `kept-${index}` : id);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'a.txt'), id);
  const { url, machineDir, idleTimeoutMs } = options;
  const setup = operation === 'setup' && { setup: { commands: [`sleep 0.1; : ${id}`] } };
  const profile = { image: 'debian:12-slim', idleTimeoutMs, timeoutMs: 120_000, ...setup };
  let isSignedIn = true;
  const window = new TestWindow(
    { url, machineDir, path, profile, id, isBilled: true },
    {
      clock,
      account: async (usual) => {
        if (!isSignedIn) throw new AccountError('Signed out');
        return usual;
      },
    },
  );
  await window.machine.join();
  const link = await linkOf(window);
  const moment = Promise.withResolvers<void>();
  link.onCall = (count) => count > calls && moment.resolve();
  // A failure is part of the game: what counts is what is left at the end.
  const working = OPERATIONS[operation](window).catch(() => {});
  await Promise.race([moment.promise, working]);
  await sleep(delayMs);
  switch (event) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      break;
    case 'disconnect':
      link.isCut = true;
      break;
    case 'sign-out':
      isSignedIn = false;
      window.starter.leaveConnection();
      break;
    case 'clock change':
      clockOffsetMs = sizeOfChangeMs;
  }
  await working;
  await window.close();
}

/** The link of a window to the control plane. */
interface Link {
  /** Calls fail. Those in progress arrive, but their answers don't. */
  isCut: boolean;
  /** Called with the number of calls so far. */
  onCall: (count: number) => void;
}

async function linkOf({ sessions }: TestWindow): Promise<Link> {
  const { client } = await sessions.connection();
  const link: Link = { isCut: false, onCall: () => {} };
  let count = 0;
  const requireLink = () => {
    if (link.isCut) throw Object.assign(new Error('UNAVAILABLE: The link is cut'), { code: 14 });
  };
  const cpClient = new Proxy(client.cpClient, {
    get: (target, method) => {
      const call = Reflect.get(target, method) as (...args: unknown[]) => Promise<unknown>;
      if (/Streaming$|Logs$/.test(String(method))) return call.bind(target);
      return async (...args: unknown[]) => {
        requireLink();
        count += 1;
        link.onCall(count);
        const answer = await call.apply(target, args);
        requireLink();
        return answer;
      };
    },
  });
  Object.assign(client, { cpClient });
  return link;
}
