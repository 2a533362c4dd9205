import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { z } from 'zod';
import type { RunningLocalModal } from '../../helpers/local-modal.ts';

const SERVED = fileURLToPath(new URL('served.ts', import.meta.url));

/** What a tool returned. */
export interface Result {
  readonly isError: boolean;
  readonly text: string;
  /** The kind of failure, and its details. */
  readonly error: Readonly<Record<string, string>> | undefined;
  readonly image: { readonly mimeType: string; readonly data: string } | undefined;
}

const ResultSchema = z.object({
  isError: z.boolean().default(false),
  content: z.array(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('text'), text: z.string() }),
      z.object({ type: z.literal('image'), mimeType: z.string(), data: z.string() }),
    ]),
  ),
  structuredContent: z.object({ error: z.record(z.string(), z.string()) }).optional(),
});

/** Returns what a tool returned, from its wire format. */
export function resultOf(answer: unknown): Result {
  const { isError, content, structuredContent } = ResultSchema.parse(answer);
  const text = content.map((each) => (each.type === 'text' ? each.text : '')).join('');
  return { isError, text, error: structuredContent?.error, image: content.find((each) => each.type === 'image') };
}

export interface AgentSetup {
  readonly name?: string;
  /** The content of the policy file. */
  readonly policy?: object;
  /** Sandboxes cost money. */
  readonly isBilled?: boolean;
  /** Answers what the user is asked. Without it, the client can't ask. */
  readonly answer?: (question: string) => 'Allow once' | 'Allow for this session' | undefined;
  /** Speaks the protocol of 2026-07-28. */
  readonly isModern?: boolean;
}

export interface TestAgent {
  readonly client: Client;
  readonly policyPath: string;
  call(tool: string, input?: object, options?: { signal?: AbortSignal; onprogress?: () => void }): Promise<Result>;
  /** Ends its input, and waits until the server has exited. */
  close(): Promise<void>;
}

/** A workspace folder, and agents that work on it. */
export class AgentFolder {
  readonly #server: RunningLocalModal;
  readonly path: string;

  private constructor(server: RunningLocalModal, path: string) {
    this.#server = server;
    this.path = path;
  }

  static async create(server: RunningLocalModal): Promise<AgentFolder> {
    return new AgentFolder(server, await mkdtemp(join(tmpdir(), 'mcp-test-')));
  }

  dispose(): Promise<void> {
    return rm(this.path, { recursive: true });
  }

  /** Returns the server's command line. */
  async command({ policy = {}, isBilled = false }: AgentSetup = {}): Promise<{ args: string[]; policyPath: string }> {
    const policyPath = join(await mkdtemp(join(tmpdir(), 'mcp-test-policy-')), 'agents.json');
    await writeFile(policyPath, JSON.stringify(policy));
    const options = { url: this.#server.url, folder: this.path, policy: policyPath, isBilled };
    return { args: [SERVED, JSON.stringify(options)], policyPath };
  }

  /** Starts a server without a client. */
  async spawn(setup?: AgentSetup): Promise<ChildProcessWithoutNullStreams> {
    return spawn(process.execPath, (await this.command(setup)).args);
  }

  /** Connects the official client to a server of its own. */
  async connect(setup: AgentSetup = {}): Promise<TestAgent> {
    const { name = 'tester', answer, isModern = false } = setup;
    const { args, policyPath } = await this.command(setup);
    const options = {
      capabilities: answer ? { elicitation: {} } : {},
      ...(isModern && { versionNegotiation: { mode: { pin: '2026-07-28' } } }),
    };
    const client = new Client({ name, version: '1.0.0' }, options);
    if (answer)
      client.setRequestHandler('elicitation/create', async ({ params }) => {
        const said = answer(params.message);
        return said ? { action: 'accept', content: { answer: said } } : { action: 'decline' };
      });
    await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'inherit' }));
    return {
      client,
      policyPath,
      call: async (tool, input = {}, more) =>
        resultOf(await client.callTool({ name: tool, arguments: { ...input } }, more)),
      close: () => client.close(),
    };
  }
}
