/** The sessions of a window, put together as in `extension.ts` but without VS Code. */
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, systemClock, wallClock } from '../../src/base/clock.ts';
import type { Account } from '../../src/modal/accounts.ts';
import { ProfileSchema } from '../../src/profiles/schema.ts';
import { DetachedRuns } from '../../src/run/detached/detached-runs.ts';
import { RunRecords } from '../../src/run/records/run-records.ts';
import { type RunRequest, runRequest } from '../../src/run/request.ts';
import type { RunResult } from '../../src/run/result.ts';
import { Run } from '../../src/run/run.ts';
import { RunningCommands } from '../../src/run/running-commands.ts';
import { SpendRecord } from '../../src/sandboxes/cost/spend.ts';
import { FolderSyncs } from '../../src/sandboxes/folder-syncs.ts';
import { Handover } from '../../src/sandboxes/handover.ts';
import { MachineState } from '../../src/sandboxes/machine-state.ts';
import type { SandboxStarter } from '../../src/sandboxes/sandbox-starter.ts';
import type { Sessions } from '../../src/sandboxes/sessions.ts';
import { WarmPool, type WarmTarget } from '../../src/sandboxes/warm/pool.ts';
import { poolDependencies } from '../../src/sandboxes/warm/pool-dependencies.ts';
import { sessionsOf, starterOf } from './sessions.ts';

export interface WindowOptions {
  /** The URL of the server. */
  readonly url: string;
  /** The folder of the machine state, shared by windows. */
  readonly machineDir: string;
  /** The open folder. */
  readonly path: string;
  /** Properties of its profile, in addition to an image and no host volume. */
  readonly profile?: object;
  readonly id: string;
  /** Sandboxes cost money. */
  readonly isBilled?: boolean;
}

/** Replaces parts of a window that tests control. */
export interface WindowOverrides {
  /** The wall clock of the spend record. */
  readonly clock?: Clock;
  /** Returns the account in use, given the usual one. Rejects if the user has signed out. */
  readonly account?: (usual: Account) => Promise<Account>;
}

export class TestWindow {
  readonly machine: MachineState;
  readonly spend: SpendRecord;
  readonly syncs: FolderSyncs;
  readonly starter: SandboxStarter;
  readonly sessions: Sessions;
  readonly commands = new RunningCommands();
  readonly records: RunRecords;
  readonly detached: DetachedRuns;
  readonly pool: WarmPool;
  readonly folder: WarmTarget['folder'];
  readonly target: WarmTarget;

  constructor(
    { url, machineDir, path, profile = {}, id, isBilled = false }: WindowOptions,
    { clock = wallClock, account: accountInUse = async (usual) => usual }: WindowOverrides = {},
  ) {
    const account = {
      label: 'Test',
      serverUrl: url,
      tokenId: 'ak-test',
      tokenSecret: 'as-test',
      ...(!isBilled && { isLocal: true as const }),
    };
    const raw = { image: 'python:3.13-slim', hostVolume: false, ...profile };
    this.folder = { name: 'folder', path };
    this.machine = new MachineState(machineDir, id);
    this.spend = new SpendRecord(this.machine, clock, systemClock);
    this.syncs = new FolderSyncs({ storageDir: () => join(machineDir, id), rules: () => ({}), isLocal: () => true });
    const { machine, spend, syncs } = this;
    const starter = starterOf(() => accountInUse(account), {
      machine,
      spend,
      outlivesWindow: (sandboxId) => this.detached.isIn(sandboxId),
    });
    this.starter = starter;
    this.pool = new WarmPool(poolDependencies({ starter, syncs, clock: wallClock, account: () => 'test' }));
    this.sessions = sessionsOf(starter, raw, { handover: new Handover(machine), warm: this.pool });
    const parsed = ProfileSchema.parse(raw);
    this.records = new RunRecords({
      dir: join(machineDir, 'runs'),
      windowId: id,
      clock,
      profile: async () => ({ profile: parsed }),
      root: () => path,
    });
    const { sessions, records, commands } = this;
    const texts = z.string();
    const secrets = {
      get: (key: string) => machine.read(`secrets/${key}.json`, texts),
      store: async (key: string, value: string) => void (await machine.write(`secrets/${key}.json`, value)),
      delete: (key: string) => machine.remove(`secrets/${key}.json`),
    };
    this.detached = new DetachedRuns({ machine, records, sessions, commands, secrets, clock });
    this.target = {
      folder: this.folder,
      named: { name: 'default', profile: parsed, origin: 'user' },
      warm: parsed.warm,
    } as WarmTarget;
  }

  /** Runs a line of shell in the folder's sandbox, without a sync. Calls `onOutput` at its first output. */
  run(line: string, onOutput: () => void = () => {}): Promise<RunResult> {
    const { sessions, syncs, folder } = this;
    const programs = [{ argv: ['sh', '-c', line] as const }];
    const request = runRequest({ folder, label: 'sh', programs, cwd: '/', pty: false, sync: false });
    const output = { status: () => {}, progress: () => {}, stdout: onOutput, stderr: () => {} };
    return new Run(request, { sessions, syncs, ask: () => true }, output).done;
  }

  /** Starts a line of shell that outlives the window, without a sync. */
  startDetached(line: string, parts: Partial<RunRequest> = {}): { readonly run: Run; readonly shown: () => string } {
    const { sessions, syncs, records, detached, folder } = this;
    const programs = [{ argv: ['sh', '-c', line] as const }];
    const request = runRequest({ folder, label: 'sh', programs, cwd: '/', sync: false, detach: true, ...parts });
    let text = '';
    const add = (part: string) => {
      text += part;
    };
    const print = (bytes: Uint8Array) => add(Buffer.from(bytes).toString());
    const output = { status: add, progress: () => {}, stdout: print, stderr: print };
    return {
      run: new Run(request, { sessions, syncs, records, detached, ask: () => true }, output),
      shown: () => text,
    };
  }

  /** Closes the window as the extension's `deactivate` does. */
  async close(): Promise<void> {
    this.detached.dispose();
    await Promise.all([this.pool.retire(() => true), this.sessions.dispose()]).finally(() =>
      Promise.all([this.syncs.dispose(), this.machine.leave()]),
    );
  }
}
