import { z } from 'zod';
import { DAY_MS } from '../base/clock.ts';
import { shellJoin } from '../base/shell.ts';
import { formatBytes, visibleName } from '../base/text.ts';
import { type RunRequest, runRequest } from '../run/request.ts';
import { pullReport } from '../run/sync-report.ts';
import { requireReady } from '../snapshots/snapshots.ts';
import type { Agent } from './agent.ts';
import { describeRun, describeStatus } from './describe.ts';
import { AgentError } from './errors.ts';
import { PermissionNeeded } from './permissions.ts';
import type { AgentRun } from './runs.ts';
import { strings } from './strings.ts';
import { asData, fitting, PAGE_BYTES, pageOf, redacted } from './text.ts';

/** A call waits at most this long for a run: clients give up after 30 seconds or more. */
const MAX_WAIT_SECONDS = 25;
/** A run in the background is waited for this long, to report why it couldn't start. */
const BACKGROUND_WAIT_MS = 1_500;
const STOP_WAIT_MS = 12_000;
const PROGRESS_INTERVAL_MS = 1_000;
const SNAPSHOT_TTL_MS = 7 * DAY_MS;
/** The most of a folder's list that is shown. */
const MAX_LISTED_BYTES = 5_500;

/** One call of a tool. */
export interface ToolCall {
  /** Aborted when the client cancels the call. */
  readonly signal: AbortSignal;
  /** Tells the client how it's going. */
  progress(message: string): void;
}

export type ToolContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly data: string; readonly mimeType: string };

/** A tool. Its description is for models, so it's neither translated nor long. */
export interface Tool<Input extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly description: string;
  readonly input: Input;
  readonly isReadOnly: boolean;
  run(agent: Agent, input: z.infer<Input>, call: ToolCall): Promise<string | ToolContent>;
}

function tool<Input extends z.ZodObject>(definition: Tool<Input>): Tool {
  return definition as unknown as Tool;
}

const sandbox = z.string().optional().describe('Handle; default: your usual sandbox');
const background = z.boolean().optional().describe('Return at once, with a handle');
const path = z.string().min(1).describe('In the workspace, or absolute in it');
const offset = z.int().min(0).optional().describe('In bytes');

/** All tools. A client lists them at its start, so they are few and their descriptions short. */
export const TOOLS: readonly Tool[] = [
  tool({
    name: 'sandbox_run',
    description: `Run a command in a cloud sandbox (Linux) that has the workspace's files; local changes are synced first. Returns its output, or after ${MAX_WAIT_SECONDS} s a run handle for sandbox_output.`,
    input: z.strictObject({
      argv: z.array(z.string()).min(1).optional().describe('Program and arguments; no shell'),
      shell: z.string().min(1).optional().describe('A shell line, instead of argv'),
      cwd: z.string().optional().describe('Relative to the workspace'),
      background,
      sandbox,
    }),
    isReadOnly: false,
    async run(agent, { argv, shell, cwd = '', background: isBackground, sandbox: handle }, call) {
      const common = { folder: agent.host.folder, cwd };
      const [program, ...args] = argv ?? [];
      if ((program === undefined) === (shell === undefined)) throw new AgentError('invalid', strings.commandNeeded());
      const request =
        program === undefined
          ? {
              programs: [{ argv: ['bash', '-c'] }, { argv: ['sh', '-c'] }] as const,
              args: [shell ?? ''],
              label: shell ?? '',
            }
          : { programs: [{ argv: [program] }] as const, args, label: shellJoin([program, ...args]) };
      return started(agent, runRequest({ ...common, ...request }), handle, isBackground, call);
    },
  }),
  tool({
    name: 'sandbox_run_file',
    description: 'Run a file of the workspace with the right program for its language.',
    input: z.strictObject({ path, args: z.array(z.string()).optional(), background, sandbox }),
    isReadOnly: false,
    async run(agent, { path: file, args = [], background: isBackground, sandbox: handle }, call) {
      return started(agent, await agent.host.fileRequest(file, args), handle, isBackground, call);
    },
  }),
  tool({
    name: 'sandbox_output',
    description: 'Output and state of a run. Without offset: its start and end. With one: a page from there.',
    input: z.strictObject({
      run: z.string().optional().describe('Handle; default: the last run'),
      offset,
      wait_s: z.number().min(0).max(MAX_WAIT_SECONDS).optional().describe('Wait this long for its end or more output'),
    }),
    isReadOnly: true,
    async run(agent, { run: handle, offset: from, wait_s: seconds = 0 }, call) {
      const run = agent.runs.get(handle);
      if (seconds > 0) await waitWithProgress(run, seconds * 1000, call, from);
      if (from === undefined) return describeRun(run);
      const page = pageOf(redacted(run.output.read(), run.output.bytes, run.redaction), from);
      if (!page) throw new AgentError('invalid', strings.notKept(describeRun(run, { hasOutput: false })));
      const rest = page.end < page.totalBytes ? `more: offset ${page.end} of ${page.totalBytes}` : 'no more output yet';
      return `${describeRun(run, { hasOutput: false })}\n${asData(page.text)}\n${run.hasEnded && page.end === page.totalBytes ? 'end of output' : rest}`;
    },
  }),
  tool({
    name: 'sandbox_stop_run',
    description: 'Stop a run and its child processes.',
    input: z.strictObject({ run: z.string().optional() }),
    isReadOnly: false,
    async run(agent, { run: handle }) {
      const run = agent.runs.get(handle);
      await run.stop(STOP_WAIT_MS);
      if (!run.hasEnded)
        throw new AgentError('timeout', strings.stillRunning(run.handle), { stillRunning: run.handle });
      return describeRun(run);
    },
  }),
  tool({
    name: 'sandbox_read_file',
    description: 'Read a file of the sandbox: a page of text, or a PNG or JPEG as an image.',
    input: z.strictObject({ path, offset, sandbox }),
    isReadOnly: true,
    async run(agent, { path: file, offset: from = 0, sandbox: handle }, { signal }) {
      const files = await agent.files(handle, signal);
      const content = await files.read(file, from, PAGE_BYTES + 1, signal);
      if (content.kind === 'image') return { type: 'image', data: content.base64, mimeType: content.mimeType };
      const { bytes } = content;
      const totalBytes = from + bytes.length;
      const page = pageOf({ head: Buffer.alloc(0), tail: bytes, totalBytes }, from);
      const end = page?.end ?? totalBytes;
      return `${asData(page?.text ?? '')}\n${end < totalBytes ? `more: offset ${end}` : 'end of file'}`;
    },
  }),
  tool({
    name: 'sandbox_write_file',
    description: 'Write a text file in the sandbox only. Edit the local file instead if it should stay.',
    input: z.strictObject({ path, content: z.string(), sandbox }),
    isReadOnly: false,
    async run(agent, { path: file, content, sandbox: handle }, { signal }) {
      const written = await (await agent.files(handle, signal)).write(file, content, signal);
      return `Wrote ${formatBytes(Buffer.byteLength(content))} to ${visibleName(written)}.`;
    },
  }),
  tool({
    name: 'sandbox_list_files',
    description: 'List a folder of the sandbox.',
    input: z.strictObject({ path: path.default('.'), sandbox }),
    isReadOnly: true,
    async run(agent, { path: folder, sandbox: handle }, { signal }) {
      const lines = await (await agent.files(handle, signal)).list(folder, signal);
      const shown = fitting(lines.map(visibleName), MAX_LISTED_BYTES);
      const rest = lines.length - shown.length;
      return `${asData(shown.join('\n'))}\n${rest > 0 ? `${rest} more: list them with sandbox_run` : `${lines.length} in total`}`;
    },
  }),
  tool({
    name: 'sandbox_pull',
    description: 'Copy results from the sandbox into the local workspace. Local changes are never overwritten.',
    input: z.strictObject({ patterns: z.array(z.string().min(1)).min(1).describe('.gitignore syntax'), sandbox }),
    isReadOnly: false,
    async run(agent, { patterns, sandbox: handle }, { signal }) {
      const { folder, services } = agent.host;
      const used = await agent.sandboxes.of(handle, signal);
      const names = patterns.map(visibleName).join(', ');
      await agent.permissions.require('pull', strings.mayPull(names, folder.path));
      const dirty = services.unsaved?.(folder) ?? [];
      return pullReport(
        await services.syncs.of(folder).pull(used.sandbox, { patterns, dirty, signal, ask: () => undefined }),
      );
    },
  }),
  tool({
    name: 'sandbox_status',
    description: 'Sandboxes, runs, time left, cost so far, and what is allowed.',
    input: z.strictObject({}),
    isReadOnly: true,
    run: (agent, _, { signal }) => describeStatus(agent, signal),
  }),
  tool({
    name: 'sandbox_snapshot',
    description: 'Save the file system of the sandbox, for sandbox_fork. Kept for 7 days.',
    input: z.strictObject({ name: z.string().min(1).max(60).optional(), sandbox }),
    isReadOnly: false,
    async run(agent, { name, sandbox: handle }, { signal }) {
      const used = await agent.sandboxes.of(handle, signal);
      const snapshot = `snapshot-${agent.snapshots.size + 1}`;
      const title = name ?? `${agent.options.client} ${snapshot}`;
      const id = await agent.host.snapshots.create(used.sandbox, { name: title, ttlMs: SNAPSHOT_TTL_MS, signal });
      agent.snapshots.set(snapshot, id);
      return `Saved ${used.handle} as ${snapshot} (“${title}” for the user).`;
    },
  }),
  tool({
    name: 'sandbox_fork',
    description: 'Start another sandbox of yours from a copy of one, or from a snapshot, to try something in parallel.',
    input: z.strictObject({ from: z.string().optional().describe('Handle of a sandbox or snapshot') }),
    isReadOnly: false,
    async run(agent, { from }, { signal }) {
      const isSnapshot = from?.startsWith('snapshot-') === true;
      const source = isSnapshot ? await snapshotOf(agent, from) : await agent.sandboxes.of(from, signal);
      const forked = await agent.sandboxes.fork(source, signal);
      return `${forked.handle} is running. Pass it as "sandbox".`;
    },
  }),
  tool({
    name: 'sandbox_terminate',
    description: 'Terminate a sandbox of yours; its files are lost. Done for you when the session ends.',
    input: z.strictObject({ sandbox }),
    isReadOnly: false,
    run: async (agent, { sandbox: handle }) => `${(await agent.sandboxes.terminate(handle)).handle} was terminated.`,
  }),
];

async function snapshotOf(agent: Agent, handle: string): Promise<{ readonly imageId: string }> {
  const id = agent.snapshots.get(handle);
  const known = [...agent.snapshots.keys()].join(', ');
  if (id === undefined) throw new AgentError('invalid', strings.unknownHandle(handle, known));
  const snapshot = (await agent.host.snapshots.list()).find((each) => each.id === id);
  if (!snapshot) throw new AgentError('gone', strings.gone(handle, 'deleted'), { why: 'deleted' });
  requireReady(snapshot);
  return snapshot;
}

/** Starts a run, and waits for it as long as a call may take. */
async function started(
  agent: Agent,
  request: RunRequest,
  sandboxHandle: string | undefined,
  isBackground: boolean | undefined,
  call: ToolCall,
): Promise<string> {
  agent.budget.require();
  const run = agent.runs.start(request, sandboxHandle);
  try {
    await waitWithProgress(run, isBackground ? BACKGROUND_WAIT_MS : MAX_WAIT_SECONDS * 1000, call);
  } catch (error) {
    // The client has canceled the call.
    await run.stop(STOP_WAIT_MS);
    throw error;
  }
  const { error } = run;
  if (error instanceof PermissionNeeded) {
    agent.runs.withdraw(run);
    throw error;
  }
  if (error) throw run.output.bytes === 0 ? error : new AgentError(error.kind, describeRun(run), error.facts);
  return describeRun(run);
}

/**
 * Waits for the end of a run, or for output beyond an offset, and tells the client how it's going. Rejects if the call is
 * canceled.
 */
async function waitWithProgress(
  run: AgentRun,
  timeoutMs: number,
  { signal, progress }: ToolCall,
  offset?: number,
): Promise<void> {
  const timer = setInterval(
    () => progress(run.hasStarted ? `${run.handle} is running` : run.step),
    PROGRESS_INTERVAL_MS,
  );
  try {
    await run.wait(timeoutMs, signal, offset);
  } finally {
    clearInterval(timer);
  }
}
