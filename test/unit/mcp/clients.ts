import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { z } from 'zod';
import { type RunningLocalModal, useProfileOf } from '../../helpers/local-modal.ts';

const BUNDLE = fileURLToPath(new URL('../../../dist/mcp.cjs', import.meta.url));
/** Lets an agent start a sandbox, and sync its folder. */
export const MAY_RUN = { start: true, send: true };

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
  /** The content of the policy file. By default, it allows to run programs. */
  readonly policy?: object;
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

/** A workspace folder, and agents that work on it in an account whose sandboxes cost money. */
export class AgentFolder {
  readonly path: string;
  /** The folder with the user's settings. */
  readonly home: string;
  readonly #forget: () => void;

  private constructor(path: string, home: string, forget: () => void) {
    this.path = path;
    this.home = home;
    this.#forget = forget;
  }

  static async create(server: RunningLocalModal): Promise<AgentFolder> {
    const path = await mkdtemp(join(tmpdir(), 'mcp-test-'));
    const profiles = {
      default: { image: 'python:3.13-slim', env: { API_TOKEN: 's3cret-value' } },
      other: { image: 'python:3.13-slim', env: { PROFILE: 'other' } },
      secretive: { image: 'python:3.13-slim', secrets: ['missing'] },
    };
    await mkdir(join(path, '.vscode'));
    await writeFile(join(path, '.vscode', 'modal.json'), JSON.stringify({ profiles }));
    await writeFile(join(path, '.vscode', 'settings.json'), JSON.stringify({ 'modal.app': 'tests' }));
    return new AgentFolder(path, await mkdtemp(join(tmpdir(), 'mcp-test-home-')), useProfileOf(server));
  }

  async dispose(): Promise<void> {
    this.#forget();
    await Promise.all([this.path, this.home].map((folder) => rm(folder, { recursive: true })));
  }

  /** Returns the server's command line and environment. */
  async command({ policy = { allow: MAY_RUN } }: AgentSetup = {}) {
    const policyPath = join(await mkdtemp(join(this.home, 'policy-')), 'agents.json');
    await writeFile(policyPath, JSON.stringify(policy));
    const args = [BUNDLE, '--folder', this.path, '--account', 'profile:main', '--policy', policyPath];
    const env = { ...getDefaultEnvironment(), MODAL_CONFIG_PATH: process.env.MODAL_CONFIG_PATH ?? '' };
    return { args, policyPath, env: { ...env, MODAL_SANDBOXES_HOME: this.home } };
  }

  /** Starts a server without a client. */
  async spawn(setup?: AgentSetup): Promise<ChildProcessWithoutNullStreams> {
    const { args, env } = await this.command(setup);
    return spawn(process.execPath, args, { env });
  }

  /** Connects the official client to a server of its own. */
  async connect(setup: AgentSetup = {}): Promise<TestAgent> {
    const { name = 'tester', answer, isModern = false } = setup;
    const { args, policyPath, env } = await this.command(setup);
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
    await client.connect(new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' }));
    return {
      client,
      policyPath,
      call: async (tool, input = {}, more) =>
        resultOf(await client.callTool({ name: tool, arguments: { ...input } }, more)),
      close: () => client.close(),
    };
  }
}
