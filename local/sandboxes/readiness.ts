/** Readiness probes: a port that accepts connections, or a command that succeeds. */
import { setTimeout as pause } from 'node:timers/promises';
import type { CallContext } from 'nice-grpc';
import { deadlineExceeded, failedPrecondition } from '../grpc/status.ts';
import type { Router } from '../grpc/wire.ts';
import { nowSecs, type Store } from '../state/store.ts';
import type { Sandbox } from './sandbox.ts';
import type { SandboxTable } from './sandbox-table.ts';

const DEFAULT_INTERVAL_MS = 1000;

export class Readiness {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Probes until the sandbox is ready or has stopped. */
  async watch(sandbox: Sandbox): Promise<void> {
    const probe = sandbox.definition.readinessProbe;
    if (!probe) return;
    while (sandbox.running) {
      if (await this.#probe(sandbox).catch(() => false)) {
        sandbox.record.readyAt = nowSecs();
        return this.#store.save();
      }
      await pause(probe.intervalMs || DEFAULT_INTERVAL_MS);
    }
  }

  async #probe(sandbox: Sandbox): Promise<boolean> {
    const probe = sandbox.definition.readinessProbe;
    const container = sandbox.container();
    if (probe?.tcpPort !== undefined) {
      const socket = await container.setup.container.connect(probe.tcpPort);
      socket.destroy();
      return true;
    }
    const { env, workdir } = container.setup;
    const keep = { stdout: false, stderr: false };
    const exec = await container.launch('probe', { argv: probe?.execCommand?.argv ?? [], env, workdir, keep });
    return (await exec.ended).code === 0;
  }
}

/** The interval at which a waiting call checks the state. */
const POLL_INTERVAL_MS = 20;

export function readinessRouter(table: SandboxTable) {
  return {
    async sandboxWaitUntilReady({ taskId, timeout }, { signal }: CallContext) {
      const sandbox = table.withTask(taskId);
      if (!sandbox.definition.readinessProbe) throw failedPrecondition('Sandbox has no readiness probe');
      const deadline = Date.now() + timeout * 1000;
      while (sandbox.record.readyAt === undefined) {
        if (!sandbox.running) throw failedPrecondition('Sandbox finished before it was ready');
        if (Date.now() >= deadline) throw deadlineExceeded('Sandbox was not ready before the timeout');
        await pause(POLL_INTERVAL_MS, undefined, { signal });
      }
      return { readyAt: sandbox.record.readyAt };
    },
  } satisfies Partial<Router>;
}
