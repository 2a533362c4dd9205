/**
 * Containers in Linux user namespaces, made with util-linux and without root. PID 1 of each container waits on a pipe from
 * this server. When the server dies, for whatever reason, the pipe closes, PID 1 exits, and the kernel kills everything in
 * the namespace. Commands join with `nsenter`; their stdio are pipes of this server.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { notFound } from '../grpc/status.ts';
import { type Base, DEVICES } from './base.ts';
import type {
  BindMount,
  Command,
  CommandSpec,
  Container,
  ContainerSpec,
  Isolation,
  OverlayMount,
} from './container.ts';
import { runHelper, spawnHelper } from './helpers.ts';
import { Jail } from './jail.ts';
import { type AppliedLimits, applyLimits } from './limits.ts';
import { killDescendants } from './processes.ts';
import { inTerminal } from './pty.ts';
import { connectThrough, connectToHost, relayCommand } from './relay.ts';
import { removeTree } from './remove-tree.ts';
import { sameIds } from './root-mapping.ts';
import { tool } from './tools.ts';
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
const RAISE_LOOPBACK = `socket my $s, 2, 2, 0; ioctl $s, 0x8914, pack 'a16 s x14', 'lo', 1`;

// If the server is root, of its own namespace (see `root-mapping.ts`), sandboxes have all of its IDs, so that they can have other
// users. The maps are written from outside, and root's capabilities in the new namespace take effect only with an exec after
// that.
const MAPPED_SCRIPT = `
echo unmapped
read -r _
exec "$@"
`;

const escaped = (file: string) =>
  file.replace(/[\\\s#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
const IS_ROOT = process.getuid?.() === 0;
/** Longer than any observed start, even on a busy host. */
const START_TIMEOUT_MS = 30_000;
const COPY_ATTEMPTS = 4;
/** A killed process is gone within milliseconds, unless the kernel holds it or new ones keep appearing. */
const KILL_LIMIT_MS = 5_000;
const KILL_INTERVAL_MS = 5;

export class Namespaces implements Isolation {
  readonly #base: Base;
  readonly #dataFolder: string;

  constructor(base: Base, dataFolder: string) {
    this.#base = base;
    this.#dataFolder = dataFolder;
  }

  async start(spec: ContainerSpec): Promise<Container> {
    await this.#prepare(spec);
    const namespaces = ['--mount', '--pid', '--ipc', '--fork', ...(spec.network ? [] : ['--net'])];
    const own = relative(this.#dataFolder, spec.folder);
    const init = [
      'sh',
      '-c',
      OUTER_SCRIPT,
      'sandbox',
      own,
      this.#dataFolder,
      INNER_SCRIPT,
      spec.network ? '' : RAISE_LOOPBACK,
    ];
    const argv = IS_ROOT
      ? ['--user', 'sh', '-c', MAPPED_SCRIPT, 'sandbox', 'unshare', ...namespaces, ...init]
      : ['--user', '--map-root-user', ...namespaces, ...init];
    const limits = await applyLimits(`local-modal-${process.pid}-${basename(spec.folder)}`, spec.limits);
    const [program = '', ...args] = limits.wrap([tool('unshare'), ...argv]);
    const child = spawnHelper(program, args, { detached: true });
    const ended = once(child, 'exit').then(() => limits.remove());
    const pid = await readiness(child);
    return new NamespaceContainer({ init: child, pid, spec, limits, dataFolder: this.#dataFolder, ended });
  }

  /** Creates the folders and the mount table of a container. */
  async #prepare(spec: ContainerSpec): Promise<void> {
    const own = relative(this.#dataFolder, spec.folder);
    const base = relative(this.#dataFolder, this.#base.folder);
    const lines: string[] = [];
    for (const { name, target, host } of this.#base.trees) {
      const lower = [...spec.layers].reverse().map((layer) => join(relative(this.#dataFolder, layer), name));
      const lowest = [join(base, name), ...(host ? [host] : [])];
      for (const side of ['up', 'work']) await mkdir(join(spec.folder, side, name), { recursive: true });
      const options = [
        `lowerdir=${[...lower, ...lowest].join(':')}`,
        `upperdir=${own}/up/${name}`,
        `workdir=${own}/work/${name}`,
        'userxattr',
      ];
      lines.push(`overlay ${escaped(join(own, 'root', target))} overlay ${escaped(options.join(','))} 0 0`);
    }
    const root = escaped(`${own}/root`);
    lines.push(`proc ${root}/proc proc nosuid,nodev,noexec 0 0`);
    if (IS_ROOT) lines.push(`${root}/proc/sys ${root}/proc/sys none bind,ro,nosuid,nodev,noexec 0 0`);
    lines.push(`devpts ${root}/dev/pts devpts newinstance,ptmxmode=0666,mode=620 0 0`);
    lines.push(`tmpfs ${root}/dev/shm tmpfs mode=1777 0 0`, `tmpfs ${root}/run tmpfs mode=755 0 0`);
    for (const device of DEVICES) lines.push(`/dev/${device} ${root}/dev/${device} none bind 0 0`);
    await mkdir(join(spec.folder, 'root'), { recursive: true });
    await writeFile(join(spec.folder, 'fstab'), `${lines.join('\n')}\n`);
  }
}

/** Waits until PID 1 is ready. Returns its process ID on the host. */
async function readiness(child: ChildProcessWithoutNullStreams): Promise<number> {
  let errorOutput = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errorOutput += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'unmapped') {
        await writeFile(`/proc/${child.pid}/gid_map`, sameIds('gid'));
        await writeFile(`/proc/${child.pid}/uid_map`, sameIds('uid'));
        child.stdin.write('mapped\n');
      } else if (line.startsWith('ready ')) {
        return Number(line.slice('ready '.length));
      }
    }
  } finally {
    clearTimeout(timer);
  }
  throw new Error(`Could not create namespaces: ${errorOutput.trim() || 'unshare exited without an error message'}`);
}

interface NamespaceState {
  /** The `unshare` process, which stays in the outer mount namespace. */
  readonly init: ChildProcess;
  /** The process ID of PID 1 on the host. */
  readonly pid: number;
  readonly spec: ContainerSpec;
  readonly limits: AppliedLimits;
  readonly dataFolder: string;
  readonly ended: Promise<void>;
}

class NamespaceContainer implements Container {
  readonly changes: string;
  readonly pids: readonly number[];
  readonly ended: Promise<void>;
  readonly #state: NamespaceState;
  readonly #join: readonly string[];
  /** The running helpers that have entered the container with a command. */
  readonly #entered = new Set<ChildProcess>();
  #root: number | undefined;

  constructor(state: NamespaceState) {
    const { pid, spec } = state;
    this.#state = state;
    this.ended = state.ended;
    this.pids = [pid];
    // Kept open, because the process ID may be reused.
    this.#root = openSync(`/proc/${pid}/root`, constants.O_DIRECTORY);
    void this.ended.then(() => {
      if (this.#root !== undefined) closeSync(this.#root);
      this.#root = undefined;
    });
    this.changes = join(spec.folder, 'up');
    this.#join = ['-t', String(pid), '-U', '-m', '-p', '-i', ...(spec.network ? [] : ['-n']), '--preserve-credentials'];
  }

  get root(): string {
    if (this.#root === undefined) throw notFound('The container has stopped');
    return `/proc/self/fd/${this.#root}`;
  }

  async spawn({ argv, env, workdir, pty, stdio }: CommandSpec): Promise<Command> {
    const command = pty ? inTerminal(argv, pty) : [tool('setsid'), '--', ...argv];
    const variables = carryVariables(env, workdir);
    const enter = [tool('nsenter'), ...this.#join, '--', ...variables.argv, ...command];
    const [program = '', ...args] = this.#state.limits.wrap(enter);
    const child = spawn(program, args, { detached: true, stdio: [...stdio], env: variables.env, cwd: '/' });
    this.#track(child);
    await once(child, 'spawn');
    return { child, kill: () => void (child.pid !== undefined && killDescendants(child.pid)) };
  }

  connect(port: number): Promise<Duplex> {
    if (this.#state.spec.network) return connectToHost(port);
    const relay = spawnHelper('nsenter', [...this.#join, '--', ...relayCommand(port)]);
    this.#track(relay);
    return connectThrough(relay);
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
      const above = [this.#state.pid, ...[...this.#entered].flatMap(({ pid }) => pid ?? [])];
      const some = above.map(killDescendants).includes(true);
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
    await Promise.race([this.ended, pause(KILL_LIMIT_MS, undefined, { ref: false })]);
  }

  async mount(mount: BindMount | OverlayMount): Promise<void> {
    const jail = new Jail(this.root);
    jail.mkdirs(mount.target);
    const target = this.#hostPathOf(jail.realpath(mount.target));
    if ('lower' in mount) {
      const fromDataFolder = (folder: string) => relative(this.#state.dataFolder, folder);
      const lower = [...mount.lower].reverse().map(fromDataFolder).join(':');
      const options = `lowerdir=${lower},upperdir=${fromDataFolder(mount.upper)},workdir=${fromDataFolder(mount.work)},userxattr`;
      return this.#runOutside('mount -t overlay overlay -o "$1" "$2"', [options, target]);
    }
    if (!mount.readOnly) return this.#runOutside('mount --bind "$1" "$2"', [mount.source, target]);
    // A mount propagates to the inner namespace with the flags that it has, so it must be read-only before.
    const stage = join(this.#state.spec.folder, 'stage');
    await mkdir(stage, { recursive: true });
    return this.#runOutside(
      'mount --bind "$1" "$3" && mount -o remount,bind,ro "$3" && mount --bind "$3" "$2" && umount "$3"',
      [mount.source, target, stage],
    );
  }

  unmount(target: string, { lazy }: { lazy: boolean }): Promise<void> {
    const outside = this.#hostPathOf(new Jail(this.root).realpath(target));
    return this.#runOutside(lazy ? 'umount --lazy "$1"' : 'umount "$1"', [outside]);
  }

  async copyOut(from: number, to: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await mkdir(to, { recursive: true });
      try {
        return await this.#runOutside('cp --archive --reflink=auto /proc/self/fd/3/. "$1"', [to], from);
      } catch (error) {
        // A program in the container may have removed a file while it was copied.
        await removeTree(to);
        if (attempt === COPY_ATTEMPTS) throw error;
      }
    }
  }

  #hostPathOf(target: string): string {
    return join(this.#state.spec.folder, 'root', target);
  }

  /** Runs a shell command in the outer namespace, which sees the host's folders, with the container's permissions. */
  #runOutside(script: string, args: readonly string[], handle?: number): Promise<void> {
    const enter = ['-t', String(this.#state.init.pid), '-U', '-m', '--preserve-credentials'];
    const shell = ['/bin/sh', '-c', `cd "$0" && ${script}`, this.#state.dataFolder];
    return runHelper('nsenter', [...enter, '--', ...shell, ...args], { handle });
  }
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
