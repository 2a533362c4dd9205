/**
 * The tests' control channel: JSON over HTTP on its own port, open only if the server was started with `--control`. Requests
 * need `Authorization: Bearer` with the secret of an accepted token.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { z } from 'zod';
import { FaultSchema, type Faults } from '../grpc/faults.ts';
import { EndStatus, type SandboxDefinition } from '../grpc/wire.ts';
import { isLoopbackHost } from '../http/hosts.ts';
import { reply } from '../http/http-server.ts';
import { listenOnLoopback } from '../http/listen.ts';
import { processTree } from '../isolation/processes.ts';
import { endResult } from '../sandboxes/sandbox.ts';
import type { SandboxTable } from '../sandboxes/sandbox-table.ts';
import { type SandboxTokens, SERVICES } from '../sandboxes/sandbox-tokens.ts';
import type { Auth } from '../state/auth.ts';

/** Everything that is running, so that tests can check that nothing is left behind. */
export interface Running {
  readonly sandboxes: {
    readonly id: string;
    readonly taskId: string;
    /** The definition as its creator sent it. */
    readonly definition: SandboxDefinition;
    readonly pids: number[];
    readonly execs: { id: string; argv: readonly string[] }[];
  }[];
}

const ControlSettingsSchema = z.strictObject({
  /** The lifetime of tokens that are signed from now on. */
  tokenLifeSecs: z.number().positive().optional(),
  /** A delay that is added to the start of each sandbox. */
  coldStartMs: z.number().nonnegative().optional(),
  /** The number of sandboxes in one page of a list. */
  pageSize: z.int().positive().optional(),
  /** GPU types that aren't available. Sandboxes that request one wait in a queue. */
  unavailableGpus: z.array(z.string()).optional(),
  /** The services that require the token of a V2 sandbox. The SDK (0.11.1) doesn't send it to the router. */
  sandboxTokenRequiredBy: z.array(z.enum(SERVICES)).optional(),
});

/** Behavior that lasts until it is changed. */
export type ControlSettings = z.infer<typeof ControlSettingsSchema>;

interface ControlDependencies {
  readonly auth: Auth;
  readonly faults: Faults;
  readonly table: SandboxTable;
  readonly sandboxTokens: SandboxTokens;
}

export class Control {
  readonly #dependencies: ControlDependencies;
  readonly #server: Server;

  constructor(dependencies: ControlDependencies) {
    this.#dependencies = dependencies;
    this.#server = createServer((request, response) => {
      const { host, authorization } = request.headers;
      if (!isLoopbackHost(host) || !dependencies.auth.acceptsBearer(authorization)) {
        return reply(response, 401, JSON.stringify({ error: 'A token is required' }), 'application/json');
      }
      this.#answer(request).then(
        (body) => reply(response, 200, JSON.stringify(body ?? {}), 'application/json'),
        (error) => reply(response, 400, JSON.stringify({ error: String(error) }), 'application/json'),
      );
    });
  }

  /** Starts listening and returns the port. */
  listen(port: number): Promise<number> {
    return listenOnLoopback(this.#server, port);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage): Promise<unknown> {
    const { faults, auth, table, sandboxTokens } = this.#dependencies;
    const [, action = '', argument = ''] = (request.url ?? '').split('/');
    switch (`${request.method} /${action}`) {
      case 'POST /faults':
        return faults.add(FaultSchema.parse(await bodyOf(request)));
      case 'DELETE /faults':
        return faults.clear();
      case 'GET /calls':
        return faults.calls;
      case 'GET /messages':
        return faults.messages;
      case 'DELETE /calls':
        return faults.resetCalls();
      case 'POST /settings': {
        const settings = ControlSettingsSchema.parse(await bodyOf(request));
        if (settings.tokenLifeSecs !== undefined) auth.tokenLifeSecs = settings.tokenLifeSecs;
        if (settings.coldStartMs !== undefined) table.coldStartMs = settings.coldStartMs;
        if (settings.pageSize !== undefined) table.pageSize = settings.pageSize;
        if (settings.unavailableGpus) table.gpuQueue.setUnavailable(settings.unavailableGpus);
        if (settings.sandboxTokenRequiredBy) sandboxTokens.requiredBy = settings.sandboxTokenRequiredBy;
        return {};
      }
      case 'POST /preempt':
        return table.get(argument)?.finish(endResult(EndStatus.internalFailure, 0, 'preempted'));
      case 'POST /revoke':
        return auth.revokeAccepted();
      case 'GET /running':
        return this.#running();
      default:
        throw new Error(`Unknown request: ${request.method} ${request.url}`);
    }
  }

  async #running(): Promise<Running> {
    const sandboxes: Running['sandboxes'] = [];
    for (const { record, definition, running, execs, pids } of this.#dependencies.table.live()) {
      if (!running) continue;
      const started = await Promise.all([...execs].map(async ([id, exec]) => ({ id, exec: await exec })));
      const active = started.filter(({ exec }) => !exec.status);
      sandboxes.push({
        id: record.id,
        taskId: record.taskId,
        definition,
        pids: [...pids, ...active.map(({ exec }) => exec.pid ?? 0)].filter(Boolean).flatMap(processTree),
        execs: active.map(({ id, exec }) => ({ id, argv: exec.argv })),
      });
    }
    return { sandboxes };
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}
