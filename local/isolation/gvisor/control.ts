/**
 * The sentry's control socket, which `runsc` itself uses: a call is one JSON object, and so is its reply. Nothing is run for a
 * call, neither in the sandbox nor on the host, except that a helper is needed to pass file descriptors.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { HELPER_ENV } from '../helpers.ts';

/** The numbers of the system call sendmsg. */
const SENDMSG: Partial<Record<NodeJS.Architecture, number>> = { x64: 46, arm64: 211 };
export const PERL = '/usr/bin/perl';
/** Programs in the sandbox have a part in how long a reply is. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;
const RETRY_INTERVAL_MS = 10;

// Sends a call from fd 3 together with the descriptors 0 to 2, and copies the reply to fd 3. Fd 4 is the folder of the socket. If
// there is a container's ID, the call starts a command in it, and this helper exits when that does. The structures are sockaddr_un,
// iovec, cmsghdr with SCM_RIGHTS, and msghdr.
const PASS_SCRIPT = `
my ($sendmsg, $name, $container) = @ARGV;
open my $peer, '+<&=', 3 or die; my $call = '';
while (sysread $peer, $call, 65536, length $call) { last if substr($call, -1) eq "\\n" }
socket(my $s, 1, 1, 0) or die "$!\\n";
connect($s, pack 'Sa*', 1, "/proc/self/fd/4/$name") or die "$!\\n";
my $io = pack 'PQ', $call, length $call;
my $fds = pack 'Qlllll', 28, 1, 1, 0 .. 2;
my $message = pack 'QQPQPQQ', 0, 0, $io, 1, $fds, length $fds, 0;
my $sent = syscall $sendmsg, fileno $s, $message, 0;
die "$!\\n" if $sent < 0;
while ($sent < length $call) { $sent += syswrite $s, $call, length($call) - $sent, $sent or die "$!\\n" }
shutdown $s, 1 unless $container;
while (sysread $s, my $reply, 65536) {
  syswrite $peer, $reply;
  next unless $container && $reply =~ /"result":(\\d+)/;
  close $_ for $peer, *STDIN, *STDOUT, *STDERR;
  syswrite $s, qq({"method":"containerManager.WaitPID","arg":{"PID":$1,"CID":"$container"}});
  shutdown $s, 1; sysread $s, my $status, 65536; last;
}
`;

const ReplySchema = z.object({ success: z.boolean(), err: z.string(), result: z.unknown() });

/** A call that the sentry refused. */
export class CallRefused extends Error {}

/** Whether this computer has what `Control` needs. */
export const canPassDescriptors = () => SENDMSG[process.arch] !== undefined;

type Descriptors = readonly [number, number, number];

export class Control {
  readonly #folder: number;
  readonly #name: string;

  /** `folder` is a file descriptor of the socket's folder, `name` is the socket's. */
  constructor(folder: number, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /** Calls a method, and waits for its result. Throws `CallRefused`, or another error if the sandbox has ended. */
  async call<T>(method: string, arg: unknown, result: z.ZodType<T>): Promise<T> {
    const socket = await this.#connect();
    socket.end(JSON.stringify({ method, arg }));
    return parsed(await everything(socket), result);
  }

  async #connect(): Promise<Socket> {
    for (;;) {
      const socket = connect(`/proc/self/fd/${this.#folder}/${this.#name}`);
      try {
        await once(socket, 'connect');
        return socket;
      } catch (error) {
        // More calls wait than the sentry has room for (16), as on a busy computer.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
      await pause(RETRY_INTERVAL_MS);
    }
  }

  /** Like `call`, and passes three file descriptors of this process. */
  async callWith<T>(fds: Descriptors, method: string, arg: unknown, result: z.ZodType<T>): Promise<T> {
    const { channel } = this.#pass(fds, method, arg);
    return parsed(await everything(channel), result);
  }

  /** Calls a method that starts a command, with new pipes as its stdio. The returned helper has their other ends. */
  start(container: string, method: string, arg: unknown): ChildProcessWithoutNullStreams {
    const { helper, channel } = this.#pass('pipe', method, arg, container);
    channel.resume();
    return helper as ChildProcessWithoutNullStreams;
  }

  #pass(fds: Descriptors | 'pipe', method: string, arg: unknown, container = '') {
    const args = ['-e', PASS_SCRIPT, '--', String(SENDMSG[process.arch]), this.#name, container];
    const passed = fds === 'pipe' ? [fds, fds, fds] : fds;
    const stdio: StdioOptions = [...passed, 'pipe', this.#folder];
    const helper: ChildProcess = spawn(PERL, args, { cwd: '/', env: HELPER_ENV, detached: true, stdio });
    const channel = helper.stdio[3] as Duplex;
    channel.on('error', () => {});
    for (const stream of [helper.stdin, helper.stdout, helper.stderr]) stream?.on('error', () => {});
    helper.once('error', (error) => channel.destroy(error));
    channel.write(`${JSON.stringify({ method, arg })}\n`);
    return { helper, channel };
  }
}

function parsed<T>(reply: string, result: z.ZodType<T>): T {
  if (reply === '') throw new Error('The sandbox has ended');
  const { success, err, result: value } = ReplySchema.parse(JSON.parse(reply));
  if (!success) throw new CallRefused(err);
  return result.parse(value);
}

async function everything(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_REPLY_BYTES) throw new Error('The reply is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
