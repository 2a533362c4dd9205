/**
 * Containers in Linux user namespaces, made with util-linux and without root. PID 1 of each container waits on a pipe from
 * this server. When the server dies, for whatever reason, the pipe closes, PID 1 exits, and the kernel kills everything in
 * the namespace. Commands join with `nsenter`; their stdio are pipes of this server.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { notFound } from '../grpc/status.ts';
import { type Base, DEVICES } from './base.ts';
import type {
  Command,
  CommandSpec,
  Container,
  ContainerNetwork,
  ContainerSpec,
  Isolation,
  Mounts,
} from './container.ts';
import { runHelper, spawnHelper } from './helpers.ts';
import { type AppliedLimits, applyLimits } from './limits.ts';
import type { Networks } from './networks.ts';
import { OuterNamespace } from './outer-namespace.ts';
import { escaped, rootOverlays } from './overlays.ts';
import { exitOf, killDescendants } from './processes.ts';
import { inTerminal } from './pty.ts';
import { connectThrough, relayCommand } from './relay.ts';
import { removeTree } from './remove-tree.ts';
import { tool } from './tools.ts';
import { IS_ROOT, startUnshared, type Unshared } from './unshared.ts';
import { carryVariables } from './variables.ts';

// There are two mount namespaces. The outer one, in which `unshare` itself stays, sees the host's folders and the container's
// root. PID 1 continues in the inner one, which sees only that root. Mounts below the root in the outer namespace propagate
// to the inner one, so folders can be mounted into a running container from outside.
// $1: the container's folder. $2: the data folder, to which mount paths are relative (they must be short, because the kernel
// accepts at most 4096 bytes of options). $3: the inner script. $4: if the container has its own network, the script that
// brings up its loopback.
const OUTER_SCRIPT = `
set -e
read -r pid _ < /proc/self/stat
cd "$2"
mount --make-rprivate /
mount --all --fstab "$1/fstab"
[ -z "$4" ] || ip link set lo up 2>/dev/null || perl -e "$4"
unshare --net mount -t sysfs -o ro sysfs "$1/root/sys" 2>/dev/null || true
mount --make-rshared "$1/root"
cd "$1/root"
exec unshare --mount --propagation unchanged sh -c "$3" sandbox "$pid"
`;

// PID 1 becomes a `cat` of its stdin, a pipe from this server. SIGCHLD is ignored, so the kernel reaps the orphans that PID 1
// inherits. Other signals don't reach a PID 1 that doesn't handle them.
const INNER_SCRIPT = `
set -e
mount --make-rslave /
cd "$PWD"
pivot_root . .
cd /
umount --lazy .
echo "ready $1"
exec env --ignore-signal=CHLD cat > /dev/null
`;

// SIOCSIFFLAGS with IFF_UP, for hosts without `ip`.
const RAISE_LOOPBACK = `socket my $s, 2, 2, 0; ioctl $s, 0x8914, my $up = pack 'a16 s x14', 'lo', 1`;

/** A killed process is gone within milliseconds, unless the kernel holds it or new ones keep appearing. */
const KILL_LIMIT_MS = 5_000;
const KILL_INTERVAL_MS = 5;

export class Namespaces implements Isolation {
  readonly #base: Base;
  readonly #dataFolder: string;
  readonly #networks: Networks;

  constructor(base: Base, dataFolder: string, networks: Networks) {
    this.#base = base;
    this.#dataFolder = dataFolder;
    this.#networks = networks;
  }

  async start(spec: ContainerSpec): Promise<Container> {
    await this.#prepare(spec);
    const own = relative(this.#dataFolder, spec.folder);
    const limits = await applyLimits(`local-modal-${process.pid}-${basename(spec.folder)}`, spec.limits, {
      perProcess: true,
    });
    const { network, leave } = await this.#networks.join(spec.network);
    const { isLoopback, enter } = network;
    const unshared = await startUnshared(
      ['--mount', '--pid', '--ipc', '--fork', ...(isLoopback ? ['--net'] : [])],
      ['sh', '-c', OUTER_SCRIPT, 'sandbox', own, this.#dataFolder, INNER_SCRIPT, isLoopback ? RAISE_LOOPBACK : ''],
      limits,
      enter,
    ).catch((error) => {
      leave();
      throw error;
    });
    void unshared.ended.then(leave);
    return new NamespaceContainer({ ...unshared, spec, network, limits, dataFolder: this.#dataFolder });
  }

  /** Creates the folders and the mount table of a container. */
  async #prepare(spec: ContainerSpec): Promise<void> {
    const lines = await rootOverlays(this.#base, this.#dataFolder, spec);
    const root = escaped(`${relative(this.#dataFolder, spec.folder)}/root`);
    lines.push(`proc ${root}/proc proc nosuid,nodev,noexec 0 0`);
    if (IS_ROOT) lines.push(`${root}/proc/sys ${root}/proc/sys none bind,ro,nosuid,nodev,noexec 0 0`);
    lines.push(`devpts ${root}/dev/pts devpts newinstance,ptmxmode=0666,mode=620 0 0`);
    lines.push(`tmpfs ${root}/dev/shm tmpfs mode=1777 0 0`, `tmpfs ${root}/run tmpfs mode=755 0 0`);
    for (const device of DEVICES) lines.push(`/dev/${device} ${root}/dev/${device} none bind 0 0`);
    await writeFile(join(spec.folder, 'fstab'), `${lines.join('\n')}\n`);
  }
}

interface NamespaceState extends Unshared {
  readonly spec: ContainerSpec;
  readonly network: ContainerNetwork;
  readonly limits: AppliedLimits;
  readonly dataFolder: string;
}

class NamespaceContainer implements Container {
  readonly changes: string;
  readonly pids: readonly number[];
  /** Only programs end then. */
  readonly isOutOfMemory = false;
  readonly ended: Promise<void>;
  readonly failed: Promise<void>;
  readonly #state: NamespaceState;
  readonly network: ContainerNetwork;
  readonly #join: readonly string[];
  readonly mounts: Mounts;
  /** The running helpers that have entered the container with a command. */
  readonly #entered = new Set<ChildProcess>();
  #root: number | undefined;

  constructor(state: NamespaceState) {
    const { pid, spec } = state;
    this.#state = state;
    this.ended = state.ended;
    this.failed = state.ended;
    this.pids = [pid];
    // Kept open, because the process ID may be reused.
    this.#root = openSync(`/proc/${pid}/root`, constants.O_DIRECTORY);
    void this.ended.then(() => {
      if (this.#root !== undefined) closeSync(this.#root);
      this.#root = undefined;
    });
    this.changes = join(spec.folder, 'up');
    // `unshare` itself stays in the outer namespace.
    const outside = { pid: state.init.pid ?? 0, folder: spec.folder, dataFolder: state.dataFolder };
    this.mounts = new OuterNamespace({ ...outside, root: () => this.root });
    this.network = state.network;
    const { enter, isLoopback } = this.network;
    const kinds = ['-U', '-m', '-p', '-i', ...(isLoopback ? ['-n'] : [])];
    this.#join = [...enter, tool('nsenter'), '-t', String(pid), ...kinds, '--preserve-credentials', '--'];
  }

  get root(): string {
    if (this.#root === undefined) throw notFound('The container has stopped');
    return `/proc/self/fd/${this.#root}`;
  }

  async spawn({ argv, env, workdir, pty, stdio }: CommandSpec): Promise<Command> {
    const command = pty ? inTerminal(argv, pty) : [tool('setsid'), '--', ...argv];
    const variables = carryVariables(env, workdir);
    const enter = [...diesWithServer(), ...this.#join, ...variables.argv, ...command];
    const [program = '', ...args] = this.#state.limits.wrap(enter);
    const child = spawn(program, args, { detached: true, stdio: [...stdio], env: variables.env, cwd: '/' });
    this.#track(child);
    const exited = exitOf(child);
    await once(child, 'spawn');
    return { pid: child.pid, exited, kill: () => void this.#endEntered(child) };
  }

  connect(port: number): Promise<Duplex> {
    if (this.network.connect) return this.network.connect(port);
    const [program = '', ...args] = [...this.#join, ...relayCommand(port)];
    const relay = spawnHelper(program, args);
    this.#track(relay);
    return connectThrough(relay);
  }

  /** Kills a command until its helper has exited. */
  async #endEntered(helper: ChildProcess): Promise<void> {
    const deadline = performance.now() + KILL_LIMIT_MS;
    while (this.#entered.has(helper) && performance.now() < deadline) {
      killEntered(helper);
      await pause(KILL_INTERVAL_MS);
    }
  }

  #track(helper: ChildProcess): void {
    this.#entered.add(helper);
    for (const event of ['exit', 'error']) helper.once(event, () => this.#entered.delete(helper));
  }

  async killProcesses(): Promise<void> {
    // From outside, because the container's own programs may do anything else. Each process descends from PID 1 or from a
    // helper that has entered, and a helper exits with its process.
    const deadline = performance.now() + KILL_LIMIT_MS;
    for (;;) {
      const some = [killDescendants(this.#state.pid), ...[...this.#entered].map(killEntered)].includes(true);
      if ((!some && this.#entered.size === 0) || performance.now() >= deadline) return;
      await pause(KILL_INTERVAL_MS);
    }
  }

  async kill(): Promise<void> {
    const { init } = this.#state;
    for (const pid of this.pids) {
      try {
        if (init.exitCode === null && init.signalCode === null) process.kill(pid, 'SIGKILL');
      } catch {
        // It has already exited.
      }
    }
    // The kernel ends the namespace once its processes have been waited for, also those of the helpers.
    await Promise.all([
      ...[...this.#entered].map((helper) => this.#endEntered(helper)),
      Promise.race([this.ended, pause(KILL_LIMIT_MS, undefined, { ref: false })]),
    ]);
  }
}

/**
 * Kills the command of a helper that has entered. When its command is stopped, the helper stops itself, and waits
 * for the command's end only after SIGCONT. Returns whether there was a command.
 */
function killEntered({ pid }: ChildProcess): boolean {
  if (pid === undefined) return false;
  const some = killDescendants(pid);
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It has already exited.
  }
  return some;
}

/** Returns the beginning of a command line whose process is killed when this one ends, even if it's stopped at that time. */
function diesWithServer(): string[] {
  const setpriv = tool('setpriv');
  return existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', '--'] : [];
}

// Mounts an overlay in the same way as for a container, with the changes in the file system of the folder.
const TRIAL_SCRIPT = `
set -e
mkdir -p "$0/up" "$0/work" "$0/root"
exec unshare --user --map-root-user --mount --pid --fork \\
  mount -t overlay overlay -o "lowerdir=/usr,upperdir=$0/up,workdir=$0/work,userxattr" "$0/root"
`;

/** Returns why containers cannot have their files in `folder`, or undefined if they can. */
export async function whyNoNamespaces(folder: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return `${process.platform} doesn't have namespaces`;
  try {
    await runHelper('unshare', ['--version']);
    await runHelper('/bin/sh', ['-c', TRIAL_SCRIPT, folder]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await removeTree(folder);
  }
}
