/** The router's RPCs about commands: start, streams, end. */
import type { CallContext } from 'nice-grpc';
import type { ExecSpec } from '../execs/exec.ts';
import { fileOperation } from '../execs/files-api.ts';
import type { Spool } from '../execs/spool.ts';
import { invalidArgument, notFound } from '../grpc/status.ts';
import type { ExecRef, ExecStartRequest, Router, StdinStreamMessage } from '../grpc/wire.ts';
import { Jail } from '../isolation/jail.ts';
import type { Secrets } from '../state/secrets.ts';
import type { SandboxContainer } from './sandbox-container.ts';
import type { SandboxTable } from './sandbox-table.ts';

/** The router's numbers for the streams of a command. */
const STDERR = 1;

interface Parts {
  readonly table: SandboxTable;
  readonly secrets: Secrets;
}

export function execsService({ table, secrets }: Parts) {
  const execOf = ({ taskId, execId }: ExecRef) => table.withTask(taskId).execWithId(execId);

  function specOf({ parts }: SandboxContainer, request: ExecStartRequest): ExecSpec {
    if (request.commandArgs.length === 0) throw invalidArgument('A command needs at least one argument');
    const pty = request.ptyInfo?.enabled ? request.ptyInfo : undefined;
    const workdir = request.workdir || parts.workdir;
    if (!workdir.startsWith('/')) throw invalidArgument(`The working directory must be absolute: ${workdir}`);
    assertDirectory(parts.container.root, workdir);
    const terminal: Record<string, string> = {};
    if (pty?.envTerm) terminal.TERM = pty.envTerm;
    if (pty?.envColorterm) terminal.COLORTERM = pty.envColorterm;
    if (pty?.envTermProgram) terminal.TERM_PROGRAM = pty.envTermProgram;
    return {
      argv: request.commandArgs,
      workdir,
      env: {
        ...parts.env,
        ...terminal,
        ...secrets.merged(request.secretIds, request.secretSources),
        ...request.env,
      },
      pty: pty ? { rows: pty.winszRows, cols: pty.winszCols } : undefined,
      timeoutSecs: request.timeoutSecs || undefined,
      keep: { stdout: request.stdoutConfig !== 0, stderr: request.stderrConfig !== 0 },
    };
  }

  async function* read(spool: Spool, offset: number, signal: AbortSignal) {
    for await (const data of spool.read(offset, signal)) yield { data };
  }

  return {
    async taskExecStart(request) {
      const sandbox = table.withTask(request.taskId);
      const container = sandbox.container(request.containerId);
      const operation = fileOperation(request.commandArgs);
      await sandbox.run(request.execId, async () =>
        operation
          ? container.launchFileOperation(request.execId, request.commandArgs, operation)
          : container.launch(request.execId, specOf(container, request)),
      );
      return {};
    },
    async *taskExecStdioRead(request, { signal }: CallContext) {
      const exec = await execOf(request);
      yield* read(request.fileDescriptor === STDERR ? exec.stderr : exec.stdout, request.offset, signal);
    },
    async taskExecWait(request, { signal }: CallContext) {
      const exec = await execOf(request);
      const aborted = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      return Promise.race([exec.ended, aborted]);
    },
    async taskExecPoll(request) {
      return (await execOf(request)).status ?? {};
    },
    async taskExecStdinWrite({ offset, data, eof, ...ref }) {
      await (await execOf(ref)).stdin.write(offset, data, eof);
      return {};
    },
    async taskExecStdinStatus(ref) {
      const { stdin } = await execOf(ref);
      stdin.evictStream();
      return stdin.status;
    },
    async taskExecStdinWriteStream(messages: AsyncIterable<StdinStreamMessage>) {
      let stream: ReturnType<Awaited<ReturnType<typeof execOf>>['stdin']['openStream']> | undefined;
      for await (const { start, data, end } of messages) {
        if (start) stream = (await execOf(start)).stdin.openStream(start.offset);
        else if (!stream) throw invalidArgument('A stdin stream begins with its start message');
        else if (data) await stream.write(data);
        else if (end) {
          await stream.end();
          return {};
        }
      }
      // Broken off before its end: stdin stays open, as the client may come back.
      return {};
    },
  } satisfies Partial<Router>;
}

/** @throws NOT_FOUND unless there is such a directory inside */
function assertDirectory(root: string, workdir: string): void {
  try {
    if (new Jail(root).stat(workdir).isDirectory()) return;
  } catch {
    // As bad as something else than a directory.
  }
  throw notFound(`The working directory ${workdir} does not exist`);
}
