/**
 * Measures what the fronts without a window cost: a tool call of the MCP server on a warm sandbox against the SDK's bare exec in
 * the same account, the processor time of `sandboxes run` against `node -e 0`, and the start of the MCP server to its first
 * reply against a server of the same SDK that does nothing. Both sides take turns.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { distFolder } from '../scripts/paths.ts';
import { startLocalModal } from '../test/helpers/local-modal.ts';
import { AgentFolder } from '../test/unit/mcp/clients.ts';
import { type CommandLine, commandLine } from '../test/unit/service/command-line.ts';
import { type BenchContext, mediansByTurns } from './row.ts';

const MAX_CALL_RATIO = 1.2;
const MAX_MORE_CPU_MS = 150;
const MAX_START_RATIO = 2;
const ECHO = ['sh', '-c', 'echo hello'] as const;

export async function run({ quick, add }: BenchContext): Promise<void> {
  const server = await startLocalModal();
  const rounds = quick ? 3 : 25;
  try {
    const folder = await AgentFolder.create(server);
    try {
      writeFileSync(join(folder.path, 'a.sh'), 'echo hello\n');
      add(await toolCall(folder, server, rounds));
      add(await start(folder, rounds));
    } finally {
      await folder.dispose();
    }
    const user = await commandLine(server, { 'modal.profiles': { default: { image: 'debian:12' } } });
    try {
      writeFileSync(join(user.folder, 'a.sh'), 'echo hello\n');
      const first = await user.run(['run', '--allow', 'first-sync', 'a.sh']);
      if (first.stdout !== 'hello\n') throw new Error(first.stderr);
      const { ours, peer } = await mediansByTurns(
        rounds,
        () => processorMs(user, [join(distFolder, 'cli.cjs'), 'run', 'a.sh']),
        () => processorMs(user, ['-e', '0']),
      );
      add({
        name: 'processor time of a run from the command line',
        ours,
        peer,
        ratio: ours / peer,
        unit: 'ms',
        goal: `at most ${MAX_MORE_CPU_MS} ms more`,
        holds: ours - peer <= MAX_MORE_CPU_MS,
      });
      await user.run(['stop']);
    } finally {
      await user.dispose();
    }
  } finally {
    await server.stop();
  }
}

async function toolCall(folder: AgentFolder, server: Awaited<ReturnType<typeof startLocalModal>>, rounds: number) {
  const agent = await folder.connect();
  try {
    const call = async () => {
      const { text } = await agent.call('sandbox_run', { argv: ECHO });
      if (!text.includes('hello')) throw new Error(text);
    };
    await call();
    const [running] = (await server.control.running()).sandboxes;
    const sandbox = await server.client().sandboxes.fromId(running?.id ?? '');
    const exec = async () => {
      const process = await sandbox.exec([...ECHO]);
      if ((await process.stdout.readText()) !== 'hello\n' || (await process.wait()) !== 0)
        throw new Error('No output.');
    };
    await exec();
    const { ours, peer } = await mediansByTurns(
      rounds,
      () => timeOf(call),
      () => timeOf(exec),
    );
    const ratio = ours / peer;
    const goal = { goal: `at most ${MAX_CALL_RATIO}`, holds: ratio <= MAX_CALL_RATIO };
    return { name: 'a tool call that runs echo, warm', ours, peer, ratio, unit: 'ms', ...goal };
  } finally {
    await agent.close();
  }
}

async function start(folder: AgentFolder, rounds: number) {
  const bare = mkdtempSync(join(tmpdir(), 'bench-mcp-'));
  try {
    const script = join(bare, 'bare.cjs');
    writeFileSync(
      script,
      `const { McpServer, StdioServerTransport } = require(${JSON.stringify(join(distFolder, 'mcp-sdk.cjs'))});
const server = new McpServer({ name: 'bare', version: '1.0.0' });
server.registerTool('nothing', { description: 'Does nothing.' }, async () => ({ content: [] }));
void server.connect(new StdioServerTransport());`,
    );
    const { args, env } = await folder.command();
    const { ours, peer } = await mediansByTurns(
      rounds,
      () => timeOf(() => firstReply(args, env)),
      () => timeOf(() => firstReply([script], env)),
    );
    const ratio = ours / peer;
    const goal = { goal: `at most ${MAX_START_RATIO}`, holds: ratio <= MAX_START_RATIO };
    return { name: 'start of the MCP server to its first reply', ours, peer, ratio, unit: 'ms', ...goal };
  } finally {
    rmSync(bare, { recursive: true });
  }
}

/** Starts a server, and resolves when it has answered the first request. */
async function firstReply(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const clientInfo = { name: 'bench', version: '1.0.0' };
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const [reply] = await Promise.race([
    new Promise<Buffer[]>((resolve) => child.stdout.once('data', (bytes) => resolve([bytes]))),
    ended.then(() => []),
  ]);
  child.kill('SIGKILL');
  await ended;
  if (!reply?.includes('"result"')) throw new Error(`No reply: ${reply}`);
}

/** Returns the processor time of a Node.js process and its children, in milliseconds. */
async function processorMs(user: CommandLine, args: readonly string[]): Promise<number> {
  const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1';
  const { stderr } = await user.launch('bash', ['-c', script, 'bash', process.execPath, ...args]);
  return stderr
    .trim()
    .split(' ')
    .reduce((sum, seconds) => sum + Number(seconds) * 1000, 0);
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
