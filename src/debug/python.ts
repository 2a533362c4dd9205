import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { RunRequest } from '../run/request.ts';
import type { ProgramCandidate } from '../run/runners.ts';
import type { Attach, Launch } from './launch.ts';
import { READY_EVENT } from './protocol.ts';
import { strings } from './strings.ts';

/** The folder in a sandbox that debugpy is installed to, apart from the packages of the program. */
export const DEBUGPY_FOLDER = '/opt/modal-debugpy';
/** Printed to stderr if debugpy isn't installed. */
export const MISSING_MARK = 'modal: debugpy is missing';

/**
 * Starts debugpy's adapter with the interpreter that would run the program, and reports that program's command line, as the
 * sandbox's shell has expanded it.
 *
 * Without immediate acknowledgments, each of debugpy's messages waits 40 ms on Linux, since the debuggee's side sends them in
 * two parts (Nagle's algorithm). Setting this in the adapter leaves no trace in the debuggee.
 */
const ADAPTER = `import sys
sys.path[:] = [path for path in sys.path if path]
try:
    import debugpy
except ImportError:
    sys.path.append("${DEBUGPY_FOLDER}")
    try:
        import debugpy
    except ImportError:
        sys.stderr.write("${MISSING_MARK} " + sys.executable)
        sys.exit(1)
import json, os, runpy, socket
# On a busy computer, the program takes longer to start than debugpy waits for it.
os.environ.setdefault("DEBUGPY_PROCESS_SPAWN_TIMEOUT", "30")
def recv_into(self, *args, own=socket.socket.recv_into):
    count = own(self, *args)
    try:
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    except (AttributeError, OSError):
        pass
    return count
socket.socket.recv_into = recv_into
said = {"python": sys.executable, "argv": sys.argv[1:], "cwd": os.getcwd()}
event = json.dumps({"type": "event", "seq": 0, "event": "${READY_EVENT}", "body": said}).encode()
os.write(1, b"Content-Length: %d\\r\\n\\r\\n" % len(event) + event)
del sys.argv[1:]
runpy.run_module("debugpy.adapter", run_name="__main__", alter_sys=True)`;

const ReadySchema = z.object({ python: z.string(), argv: z.array(z.string()), cwd: z.string() });
type Ready = z.infer<typeof ReadySchema>;

function parseReady(body: unknown): Ready {
  const parsed = ReadySchema.safeParse(body);
  if (!parsed.success) throw new UserError(strings.notAnAdapter());
  return parsed.data;
}

/** The name of a Python interpreter, maybe with its path. */
const INTERPRETER = /(?:^|\/)(?:python|pypy)[\d.]*$/;

/**
 * Returns the run of the adapter that debugs a run: each of its programs that is a Python interpreter starts the adapter
 * instead. Throws `UserError` if none is.
 */
export function adapterRequest(request: RunRequest): RunRequest {
  const programs = request.programs.flatMap(({ argv, ...rest }): ProgramCandidate[] => {
    const at = argv.findIndex((word) => INTERPRETER.test(word));
    if (at < 0) return [];
    const [program, ...words] = argv;
    // After the interpreter, the command line of the program is an argument of the adapter's.
    return [{ ...rest, argv: [program, ...words.slice(0, at), '-u', '-c', ADAPTER, ...words.slice(at)] }];
  });
  if (programs.length === 0) throw new UserError(strings.notPython(request.label));
  return { ...request, programs };
}

/** Options of the interpreter that take another word. */
const OPTIONS_WITH_VALUE = new Set(['-X', '-W', '--check-hash-based-pycs']);

/** Returns debugpy's arguments for a Python command line without the interpreter. */
export function programOf(argv: readonly string[]): Record<string, unknown> {
  // Breakpoints in frozen modules would have no effect.
  const pythonArgs = ['-X', 'frozen_modules=off'];
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '-m') return { pythonArgs, module: rest[0] ?? '', args: rest.slice(1) };
    if (word === '-c') return { pythonArgs, code: [rest[0] ?? ''], args: rest.slice(1) };
    if (!word.startsWith('-') || word === '-') return { pythonArgs, program: word, args: rest };
    pythonArgs.push(word);
    if (OPTIONS_WITH_VALUE.has(word)) pythonArgs.push(rest.shift() ?? '');
  }
  return { pythonArgs };
}

/** Returns the arguments of the request that starts the program, given what the adapter's program said. Throws `UserError`. */
export function launchArguments(said: unknown, launch: Launch): Record<string, unknown> {
  const ready = parseReady(said);
  const { justMyCode, subProcess, stopOnEntry } = launch;
  const isRedirected = launch.console === 'internalConsole';
  return {
    // debugpy reads the output of a program without a terminal from a pipe, which would show it late.
    ...programOf([...(isRedirected ? ['-u'] : []), ...ready.argv]),
    name: launch.name,
    type: 'debugpy',
    request: 'launch',
    python: [ready.python],
    cwd: ready.cwd,
    // Otherwise, each child process prints a warning about breakpoints in frozen modules, which are parts of Python itself.
    env: { PYDEVD_DISABLE_FILE_VALIDATION: '1' },
    console: launch.console,
    // The terminal shows the program's output, too.
    redirectOutput: isRedirected,
    justMyCode,
    subProcess,
    stopOnEntry,
    showReturnValue: true,
  };
}

/** Returns the arguments of the request that attaches to a program. */
export function attachArguments({ name, connect, justMyCode, subProcess }: Attach): Record<string, unknown> {
  const place = { host: connect.host ?? '127.0.0.1', port: connect.port };
  return { name, type: 'debugpy', request: 'attach', connect: place, justMyCode, subProcess, showReturnValue: true };
}

/** What debugpy says that it can do, since 1.6, so that the editor needn't wait for the sandbox to hear it. */
export function pythonCapabilities(): Record<string, unknown> {
  return {
    supportsCompletionsRequest: true,
    supportsConditionalBreakpoints: true,
    supportsConfigurationDoneRequest: true,
    supportsDelayedStackTraceLoading: true,
    supportsEvaluateForHovers: true,
    supportsExceptionInfoRequest: true,
    supportsExceptionOptions: true,
    supportsFunctionBreakpoints: true,
    supportsHitConditionalBreakpoints: true,
    supportsLogPoints: true,
    supportsModulesRequest: true,
    supportsSetExpression: true,
    supportsSetVariable: true,
    supportsValueFormattingOptions: true,
    supportsTerminateRequest: true,
    supportsGotoTargetsRequest: true,
    supportsClipboardContext: true,
    supportsStepInTargetsRequest: true,
    exceptionBreakpointFilters: [
      { filter: 'raised', label: strings.raised(), description: strings.raisedDetail(), default: false },
      { filter: 'uncaught', label: strings.uncaught(), description: strings.uncaughtDetail(), default: true },
      {
        filter: 'userUnhandled',
        label: strings.userUncaught(),
        description: strings.userUncaughtDetail(),
        default: false,
      },
    ],
  };
}
