import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { shellJoin } from '../../../src/base/shell.ts';
import type { RunningLocalModal } from '../../helpers/local-modal.ts';

/** Runs a program in a terminal of 30 × 99: types each text once the one before it is shown. Prints what it showed. */
const TERMINAL = `
import fcntl, os, pty, struct, sys, termios
argv, steps = sys.argv[2:], [each.split('=', 1) for each in sys.argv[1].split('|')]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 99, 0, 0))
    os.execvp(argv[0], argv)
shown = b''
while True:
    try: piece = os.read(fd, 65536)
    except OSError: piece = b''
    if not piece: break
    shown += piece
    while steps and steps[0][0].encode() in shown: os.write(fd, eval("b'" + steps.pop(0)[1] + "'"))
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

const PROGRAM = fileURLToPath(new URL('../../../dist/cli.cjs', import.meta.url));

/** How a process of the command line ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder, and a user of the command line in it. */
export interface CommandLine {
  readonly folder: string;
  /** The folder for settings and what is remembered. */
  readonly home: string;
  /** The program, as a part of a shell's command line. */
  readonly quoted: string;
  /** Runs a command line to its end. */
  run(args: readonly string[], input?: string): Promise<Ended>;
  /** Runs a command line in a terminal, and types: `shown=typed|…`, with Python's escapes. */
  runInTerminal(steps: string, args: readonly string[]): Promise<Ended>;
  /** Runs another program as this user, in the folder, to its end. */
  launch(program: string, args: readonly string[]): Promise<Ended>;
  /** Starts a command line. */
  start(args: readonly string[]): {
    readonly ended: Promise<Ended>;
    readonly output: () => string;
    kill(signal: NodeJS.Signals): void;
  };
  dispose(): Promise<void>;
}

/** Creates an empty folder, and a user whose account is on a server; without one, it's a Local Modal of the user's own. */
export async function commandLine(server?: RunningLocalModal, settings: object = {}): Promise<CommandLine> {
  const outer = await mkdtemp(join(tmpdir(), 'command-line-'));
  const [folder, home] = [join(outer, 'folder'), join(outer, 'home')];
  await Promise.all([folder, home].map((path) => mkdir(path)));
  await writeFile(join(home, 'settings.json'), JSON.stringify(settings));
  const env = {
    ...process.env,
    MODAL_TOKEN_ID: '',
    MODAL_TOKEN_SECRET: '',
    MODAL_SANDBOXES_HOME: home,
    MODAL_CONFIG_PATH: join(home, 'modal.toml'),
    ...(server && {
      MODAL_SERVER_URL: server.url,
      MODAL_TOKEN_ID: server.tokenId,
      MODAL_TOKEN_SECRET: server.tokenSecret,
    }),
  };
  const launch = (command: string, args: readonly string[], input?: string) => {
    const child = spawn(command, args, { cwd: folder, env, stdio: 'pipe' });
    child.stdin.on('error', () => {});
    if (input !== undefined) child.stdin.end(input);
    let output = '';
    child.stdout.on('data', (bytes) => (output += bytes));
    const exit = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    const ended = Promise.all([exit, text(child.stderr)]).then(([code, stderr]) => ({ code, stdout: output, stderr }));
    return { ended, output: () => output, kill: (signal: NodeJS.Signals) => void child.kill(signal) };
  };
  const start = (args: readonly string[], input?: string) => launch(process.execPath, [PROGRAM, ...args], input);
  return {
    folder,
    home,
    quoted: shellJoin([process.execPath, PROGRAM]),
    runInTerminal: (steps, args) =>
      launch('python3', ['-c', TERMINAL, steps, process.execPath, PROGRAM, ...args], '').ended,
    run: (args, input = '') => start(args, input).ended,
    launch: (program, args) => launch(program, args, '').ended,
    start: (args) => start(args),
    dispose: () => rm(outer, { recursive: true, force: true }),
  };
}
