/** The stdio of a sandbox's entrypoint: RPCs of the router for V2, and of the control plane for V1. */
import type { CallContext } from 'nice-grpc';
import { failedPrecondition, notFound } from '../grpc/status.ts';
import { type ControlPlane, LogStream, ROUTER_STDERR, type Router } from '../grpc/wire.ts';
import type { Sandbox } from './sandbox.ts';
import type { SandboxTable } from './sandbox-table.ts';

/** Waits until the sandbox stops. The streams of a sandbox without an entrypoint are empty, and end when it stops. */
async function untilStopped(sandbox: Sandbox, signal: AbortSignal): Promise<void> {
  const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await Promise.race([sandbox.ended, aborted]);
}

function entrypointOf(sandbox: Sandbox) {
  return sandbox.allContainers()[0]?.entrypoint;
}

export function entrypointsRouter(table: SandboxTable) {
  return {
    async *sandboxStdioReadV2({ taskId, offset, fileDescriptor }, { signal }: CallContext) {
      const sandbox = table.withTask(taskId);
      const entrypoint = entrypointOf(sandbox);
      if (!entrypoint) return void (await untilStopped(sandbox, signal));
      const spool = fileDescriptor === ROUTER_STDERR ? entrypoint.stderr : entrypoint.stdout;
      for await (const piece of spool.read(offset, signal)) yield { data: piece.data, startingOffset: piece.offset };
    },
    async sandboxStdinWriteV2({ taskId, offset, data, eof }) {
      await entrypointOf(table.withTask(taskId))?.stdin.write(offset, data, eof);
      return {};
    },
  } satisfies Partial<Router>;
}

export function entrypointsService(table: SandboxTable) {
  /** The number of the last write to each sandbox. Writes are numbered from 1, and a repeated one has no effect. */
  const written = new WeakMap<Sandbox, number>();

  function live(sandboxId: string): Sandbox {
    const sandbox = table.get(sandboxId);
    if (!sandbox) throw notFound(`Sandbox with ID ${sandboxId} not found`);
    return sandbox;
  }

  return {
    async *sandboxGetLogs({ sandboxId, fileDescriptor, timeout, lastEntryId }, { signal }: CallContext) {
      const sandbox = live(sandboxId);
      const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, timeout) * 1000)]);
      const entrypoint = entrypointOf(sandbox);
      if (!entrypoint) await untilStopped(sandbox, limit);
      else {
        const spool = fileDescriptor === LogStream.stderr ? entrypoint.stderr : entrypoint.stdout;
        // The ID of an entry is the offset of its end. The decoder holds back incomplete characters.
        const start = Number(lastEntryId.split('-')[0]) || 0;
        const decoder = new TextDecoder();
        for await (const { offset, data } of spool.read(start, limit)) {
          const text = decoder.decode(data, { stream: true });
          yield { items: [{ data: text, fileDescriptor }], entryId: `${offset + data.length}-0` };
        }
      }
      if (!limit.aborted) yield { eof: true };
    },
    async sandboxStdinWrite({ sandboxId, input, index, eof }) {
      const sandbox = live(sandboxId);
      const last = written.get(sandbox) ?? 0;
      if (index > last + 1) throw failedPrecondition(`stdin write ${index} arrived before write ${last + 1}`);
      const stdin = entrypointOf(sandbox)?.stdin;
      if (index <= last || !stdin) return {};
      written.set(sandbox, index);
      await stdin.write(stdin.status.numBytesWritten, input, eof);
      return {};
    },
  } satisfies Partial<ControlPlane>;
}
