/** The queue of sandboxes whose GPU isn't available. All GPUs are available unless a test says otherwise. */
import type { Sandbox } from './sandbox.ts';

export class GpuQueue {
  #unavailable: readonly string[] = [];
  readonly #queued = new Map<string, () => void>();

  /** Sets the GPU types that aren't available, such as `H100`. Sandboxes that wait for another type leave the queue. */
  setUnavailable(types: readonly string[]): void {
    this.#unavailable = types;
    for (const leave of [...this.#queued.values()]) leave();
  }

  /** True until the sandbox has been started. */
  has(sandboxId: string): boolean {
    return this.#queued.has(sandboxId);
  }

  /** Returns whether a sandbox has to wait. */
  mustWait({ record }: Sandbox): boolean {
    return this.#unavailable.includes(record.gpuType);
  }

  /** Starts a sandbox once its GPU is available, unless it has been stopped by then. */
  async admit(sandbox: Sandbox, start: () => Promise<void>): Promise<void> {
    const { id } = sandbox.record;
    while (sandbox.running && this.mustWait(sandbox)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#queued.set(id, resolve);
      await Promise.race([promise, sandbox.ended]);
    }
    try {
      if (sandbox.running) await start();
    } finally {
      this.#queued.delete(id);
    }
  }
}
