/**
 * A network of a container's own: a network namespace whose only way out is slirp4netns, a network stack that runs as an ordinary
 * program. The namespace belongs to a user namespace outside of the container's, so the container's root can't change its routes,
 * and they are what decides which addresses can be reached. (A socket that is bound to the device ignores them, but nothing answers
 * it for addresses outside of this network.) Another process in it keeps both open, and passes on name lookups.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Duplex, Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Allowlist, ContainerNetwork } from './container.ts';
import { HELPER_ENV, runHelper, spawnHelper } from './helpers.ts';
import { UNLIMITED } from './limits.ts';
import { answerTo, type NameRules } from './name-filter.ts';
import { connectThrough, relayCommand } from './relay.ts';
import { tool } from './tools.ts';
import { IS_ROOT, startUnshared } from './unshared.ts';

/** The addresses that slirp4netns has by default, with the name server's. */
const GATEWAY = '10.0.2.2';
export const NAME_SERVER = '10.0.2.3';
const START_LIMIT_MS = 10_000;

// Raises the loopback, lets every port be listened on, and passes queries to the name server on as lines of two hexadecimal numbers,
// the sender and the message. Answers arrive in the same form. IP_FREEBIND (15), because the address is added later, and only
// if not everything may be reached; otherwise slirp4netns answers.
const HOLDER_SCRIPT = `
use Socket;
socket my $control, 2, 2, 0; ioctl $control, 0x8914, my $up = pack 'a16 s x14', 'lo', 1;
if (open my $ports, '>', '/proc/sys/net/ipv4/ip_unprivileged_port_start') { print $ports 0; close $ports }
socket my $names, 2, 2, 0; setsockopt $names, 0, 15, 1;
bind $names, sockaddr_in(53, inet_aton('${NAME_SERVER}')) or die "bind: $!\\n";
$| = 1; print "ready $$\\n";
for (my $answers = '';;) {
  my $rd = ''; vec($rd, 0, 1) = 1; vec($rd, fileno $names, 1) = 1;
  next if select($rd, undef, undef, undef) < 0;
  if (vec $rd, fileno $names, 1) {
    my $from = recv $names, my $query, 4096, 0;
    print unpack('H*', $from), ' ', unpack('H*', $query), "\\n" if defined $from;
  }
  next unless vec $rd, 0, 1;
  sysread STDIN, $answers, 65536, length $answers or exit;
  send $names, pack('H*', $2), 0, pack('H*', $1) while $answers =~ s/^([0-9a-f]+) ([0-9a-f]+)\\n//;
}
`;

// Arguments: the ranges. Everything that isn't in the network itself is reached through the gateway.
const ROUTES_SCRIPT = `
set -e
ip address replace ${NAME_SERVER}/32 dev lo
ip -4 route flush via ${GATEWAY}
for range; do ip route replace "$range" via ${GATEWAY}; done
`;
const ADD_SCRIPT = `for address; do ip route replace "$address" via ${GATEWAY}; done`;

/** Returns the path of slirp4netns, or why containers can't have networks of their own. */
export async function findStack(): Promise<{ path: string } | { problem: string }> {
  const [path, ip] = [tool('slirp4netns'), tool('ip')];
  if (!existsSync(path)) return { problem: 'to give each its own, install the package slirp4netns' };
  if (!existsSync(ip)) return { problem: 'slirp4netns also requires the package iproute2' };
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    (await OwnNetwork.start(path, 'open')).close();
    return { path };
  } catch (error) {
    return { problem: `slirp4netns doesn't work: ${error instanceof Error ? error.message : String(error)}` };
  }
}

export class OwnNetwork implements ContainerNetwork {
  readonly enter: readonly string[];
  readonly isLoopback = false;
  readonly #holder: ChildProcessWithoutNullStreams;
  #stack: ChildProcess | undefined;
  #rules: NameRules | undefined;

  private constructor(holder: ChildProcessWithoutNullStreams, pid: number) {
    this.#holder = holder;
    this.enter = [tool('nsenter'), '-t', String(pid), '-U', '-n', '--preserve-credentials', '--'];
    createInterface({ input: holder.stdout }).on('line', (line) => void this.#lookUp(line));
  }

  /** Throws if it doesn't start, or can't be limited to the allowlist. `stack` is the path of slirp4netns. */
  static async start(stack: string, access: 'open' | Allowlist): Promise<OwnNetwork> {
    const { init, pid } = await startUnshared(['--net'], [tool('perl'), '-e', HOLDER_SCRIPT], UNLIMITED);
    const network = new OwnNetwork(init, pid);
    try {
      await network.#connectStack(stack, pid);
      if (access !== 'open') await network.setAllowlist(access);
      return network;
    } catch (error) {
      network.close();
      throw error;
    }
  }

  async #connectStack(path: string, pid: number): Promise<void> {
    // Its own sandbox requires the right to mount, which this server has only if it was started as root.
    const own = ['--disable-host-loopback', '--enable-seccomp', ...(IS_ROOT ? ['--enable-sandbox'] : [])];
    const where = [`--userns-path=/proc/${pid}/ns/user`, '--netns-type=path', `/proc/${pid}/ns/net`, 'tap0'];
    const args = ['--configure', '--mtu=65520', ...own, '--ready-fd=3', '--exit-fd=4', ...where];
    // It exits when the last pipe closes, so also with this server.
    const stdio = ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] as const;
    const stack = spawn(path, args, { cwd: '/', env: HELPER_ENV, detached: true, stdio: [...stdio] });
    this.#stack = stack;
    let errors = '';
    stack.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-1000);
    });
    for (const pipe of stack.stdio) pipe?.on('error', () => {});
    const ready = new Promise<boolean>((resolve) => {
      (stack.stdio[3] as Readable).once('data', () => resolve(true));
      for (const event of ['error', 'close']) stack.once(event, () => resolve(false));
    });
    const isReady = await Promise.race([ready, pause(START_LIMIT_MS, false, { ref: false })]);
    if (!isReady) throw new Error(errors.trim().replaceAll('\n', ', ') || "it doesn't start");
  }

  async setAllowlist({ cidrs, domains }: Allowlist): Promise<void> {
    this.#rules = { domains, answersOthers: cidrs.length > 0 };
    await this.#run(
      ROUTES_SCRIPT,
      cidrs.flatMap((cidr) => rangeOf(cidr) ?? []),
    );
  }

  /** Handles a line of the holder. */
  async #lookUp(line: string): Promise<void> {
    const [from = '', query = ''] = line.split(' ');
    if (!this.#rules) return;
    try {
      const answer = await answerTo(Buffer.from(query, 'hex'), this.#rules);
      if (!answer) return;
      // The program connects as soon as it has the answer.
      if (answer.addresses.length > 0) await this.#run(ADD_SCRIPT, answer.addresses);
      this.#holder.stdin.write(`${from} ${answer.message.toString('hex')}\n`);
    } catch {
      // It isn't a query, or the network is gone.
    }
  }

  connect(port: number): Promise<Duplex> {
    const [program = '', ...args] = [...this.enter, ...relayCommand(port)];
    return connectThrough(spawnHelper(program, args));
  }

  /** Removes it once its containers have stopped. */
  close(): void {
    this.#holder.kill('SIGKILL');
    this.#stack?.kill('SIGKILL');
  }

  #run(script: string, values: readonly string[]): Promise<void> {
    const [program = '', ...args] = [...this.enter, tool('sh'), '-c', script, 'network', ...values];
    return runHelper(program, args);
  }
}

/** Returns an IPv4 range whose address has no bits after the prefix, as routes must. Returns undefined for IPv6. */
function rangeOf(cidr: string): string | undefined {
  const [address = '', bits = '32'] = cidr.split('/');
  if (address.includes(':')) return undefined;
  const number = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const size = 2 ** (32 - Number(bits));
  const first = number - (number % size);
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${bits}`;
}
