/** The router's RPCs for commands: start, stdio, and exit status. */
import type { CallContext } from 'nice-grpc';
import type { ExecSpec } from '../execs/exec.ts';
import { fileOperation } from '../execs/files-api.ts';
import type { Spool } from '../execs/spool.ts';
import { invalidArgument, notFound } from '../grpc/status.ts';
import {
  type ExecRef,
  type ExecStartRequest,
  ROUTER_STDERR,
  type Router,
  type StdinStreamMessage,
} from '../grpc/wire.ts';
import { Jail } from '../isolation/jail.ts';
import type { Secrets } from '../state/secrets.ts';
import type { SandboxContainer } from './sandbox-container.ts';
import type { SandboxTable } from './sandbox-table.ts';

interface ExecsDependencies {
  readonly table: SandboxTable;
  readonly secrets: Secrets;
}

export function execsService({ table, secrets }: ExecsDependencies) {
  const execOf = ({ taskId, execId }: ExecRef) => table.withTask(taskId).execWithId(execId);

  function specOf({ setup }: SandboxContainer, request: ExecStartRequest): ExecSpec {
    if (request.commandArgs.length === 0) throw invalidArgument('Command must have at least one argument');
    const pty = request.ptyInfo?.enabled ? request.ptyInfo : undefined;
    const workdir = request.workdir || setup.workdir;
    if (!workdir.startsWith('/')) throw invalidArgument(`Working directory must be an absolute path: ${workdir}`);
    assertDirectory(setup.container.root, workdir);
    const terminal: Record<string, string> = {};
    if (pty?.envTerm) terminal.TERM = pty.envTerm;
    if (pty?.envColorterm) terminal.COLORTERM = pty.envColorterm;
    if (pty?.envTermProgram) terminal.TERM_PROGRAM = pty.envTermProgram;
    return {
      argv: request.commandArgs,
      workdir,
      env: {
        ...setup.env,
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
    for await (const { data } of spool.read(offset, signal)) yield { data };
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
      yield* read(request.fileDescriptor === ROUTER_STDERR ? exec.stderr : exec.stdout, request.offset, signal);
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
        else if (!stream) throw invalidArgument('The first message of a stdin stream must be start');
        else if (data) await stream.write(data);
        else if (end) {
          await stream.end();
          return {};
        }
      }
      // The stream was interrupted. stdin stays open, because the client may reconnect.
      return {};
    },
  } satisfies Partial<Router>;
}

/** Throws NOT_FOUND unless the directory exists in the sandbox. */
function assertDirectory(root: string, workdir: string): void {
  try {
    if (new Jail(root).stat(workdir).isDirectory()) return;
  } catch {
    // Same error as for a path that isn't a directory.
  }
  throw notFound(`Working directory ${workdir} does not exist`);
}
