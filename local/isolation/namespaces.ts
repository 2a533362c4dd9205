/**
 * Containers out of Linux user namespaces, with util-linux alone and without root. PID 1 of each has built its
 * root and then waits on a pipe held by this server: when the server dies, however it dies, the pipe closes,
 * PID 1 ends, and the kernel kills everything in the namespace. Commands join with `nsenter`, their pipes being ours.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
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
import { Jail } from './jail.ts';
import { type AppliedLimits, applyLimits } from './limits.ts';
import { killBelow } from './processes.ts';
import { underTerminal } from './pty.ts';
import { connectHere, connectThrough, relayCommand } from './relay.ts';
import { removeTree } from './remove-tree.ts';
import { run } from './run.ts';
import { tool } from './tools.ts';

// Two mount namespaces: the outer one, in which `unshare` itself stays behind, sees this machine's folders and the
// container's root; PID 1 goes on into the inner one, which sees that root alone. What is mounted below the root in the
// outer one shows in the inner one: so folders can be mounted into a running container without ever being inside.
// $1: folder of the container, $2: the data folder, from which the mounts are named (short names: the kernel takes 4096
// bytes of options), $3: what goes on inside, $4: set when the network is its own, whose loopback then has to be raised.
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

// It ends as a `cat` of its stdin, a pipe held by this server, with SIGCHLD ignored: so the kernel itself reaps the orphans
// that PID 1 inherits. Other signals do not reach a PID 1 that does not handle them.
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

// SIOCSIFFLAGS with IFF_UP, for machines without `ip`.
const RAISE_LOOPBACK = `socket my $s, 2, 2, 0; ioctl $s, 0x8914, pack 'a16 s x14', 'lo', 1`;

// As root the whole range of ids is mapped, so that a sandbox can have other users; the ids are written from outside,
// and only an exec after that holds root's capabilities in the new namespace.
const MAPPED_SCRIPT = `
echo unmapped
read -r _
exec "$@"
`;

const escaped = (file: string) =>
  file.replace(/[\\\s#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
const IS_ROOT = process.getuid?.() === 0;
/** Longer than any start seen, on a machine that has much else to do. */
const START_TIMEOUT_MS = 30_000;
const COPY_ATTEMPTS = 4;

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
    const [program = '', ...args] = limits.wrap(['unshare', ...argv]);
    const child = spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: HOST_PATH } });
    child.stdin.on('error', () => {});
    const ended = once(child, 'exit').then(() => limits.remove());
    const pid = await readiness(child);
    return new NamespaceContainer({ init: child, pid, spec, limits, dataFolder: this.#dataFolder, ended });
  }

  /** Lays out the folders and the mount table of a container. */
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

/** `pivot_root` lies where an ordinary user's PATH does not look. */
const HOST_PATH = `${process.env.PATH ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`;

/** Waits until PID 1 says it is ready; answers its process id as this machine sees it. */
async function readiness(child: ChildProcess): Promise<number> {
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  try {
    if (!child.stdout) throw new Error('The container has no output');
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'unmapped') {
        await writeFile(`/proc/${child.pid}/gid_map`, '0 0 4294967295');
        await writeFile(`/proc/${child.pid}/uid_map`, '0 0 4294967295');
        child.stdin?.write('mapped\n');
      } else if (line.startsWith('ready ')) {
        return Number(line.slice('ready '.length));
      }
    }
  } finally {
    clearTimeout(timer);
  }
  throw new Error(`No namespace could be made: ${complaint.trim() || 'it ended without a word'}`);
}

interface ContainerParts {
  /** `unshare`, which stays in the outer mount namespace. */
  readonly init: ChildProcess;
  /** PID 1, as this machine sees it. */
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
  readonly #parts: ContainerParts;
  readonly #join: readonly string[];
  #root: number | undefined;

  constructor(parts: ContainerParts) {
    const { pid, spec } = parts;
    this.#parts = parts;
    this.ended = parts.ended;
    this.pids = [pid];
    // Held open, as the number of a process may come to mean another one.
    this.#root = openSync(`/proc/${pid}/root`, constants.O_DIRECTORY);
    void this.ended.then(() => {
      if (this.#root !== undefined) closeSync(this.#root);
      this.#root = undefined;
    });
    this.changes = join(spec.folder, 'up');
    this.#join = ['-t', String(pid), '-U', '-m', '-p', '-i', ...(spec.network ? [] : ['-n']), '--preserve-credentials'];
  }

  get root(): string {
    if (this.#root === undefined) throw notFound('The container has ended');
    return `/proc/self/fd/${this.#root}`;
  }

  async spawn({ argv, env, workdir, pty, stdio }: CommandSpec): Promise<Command> {
    const command = pty ? underTerminal(argv, pty) : [tool('setsid'), '--', ...argv];
    // nsenter has an option for the working directory inside only since util-linux 2.38.
    const enter = [tool('nsenter'), ...this.#join, '--', tool('env'), `--chdir=${workdir}`, ...command];
    const [program = '', ...args] = this.#parts.limits.wrap(enter);
    const child = spawn(program, args, { detached: true, stdio: [...stdio], env, cwd: '/' });
    await once(child, 'spawn');
    return { child, kill: () => child.pid !== undefined && killBelow(child.pid) };
  }

  connect(port: number): Promise<Duplex> {
    if (this.#parts.spec.network) return connectHere(port);
    return connectThrough('nsenter', [...this.#join, '--', ...relayCommand(port)]);
  }

  async quiet(): Promise<void> {
    // `kill -1` reaches every process of the namespace but PID 1 and the sender.
    await run('nsenter', [...this.#join, '--', 'sh', '-c', 'kill -KILL -1 2>/dev/null; true'], { cwd: '/' }).catch(
      () => {},
    );
  }

  async kill(): Promise<void> {
    const { init } = this.#parts;
    for (const pid of this.pids) {
      try {
        if (init.exitCode === null && init.signalCode === null) process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await this.ended;
  }

  async mount(mount: BindMount | OverlayMount): Promise<void> {
    const jail = new Jail(this.root);
    jail.mkdirs(mount.target);
    const target = this.#outside(jail.realpath(mount.target));
    if ('lower' in mount) {
      const fromDataFolder = (folder: string) => relative(this.#parts.dataFolder, folder);
      const lower = [...mount.lower].reverse().map(fromDataFolder).join(':');
      const options = `lowerdir=${lower},upperdir=${fromDataFolder(mount.upper)},workdir=${fromDataFolder(mount.work)},userxattr`;
      return this.#outer('mount -t overlay overlay -o "$1" "$2"', [options, target]);
    }
    if (!mount.readOnly) return this.#outer('mount --bind "$1" "$2"', [mount.source, target]);
    // The inner namespace takes a mount as it is when it comes, so it has to be read-only before.
    const stage = join(this.#parts.spec.folder, 'stage');
    await mkdir(stage, { recursive: true });
    return this.#outer(
      'mount --bind "$1" "$3" && mount -o remount,bind,ro "$3" && mount --bind "$3" "$2" && umount "$3"',
      [mount.source, target, stage],
    );
  }

  unmount(target: string, { lazy }: { lazy: boolean }): Promise<void> {
    const outside = this.#outside(new Jail(this.root).realpath(target));
    return this.#outer(lazy ? 'umount --lazy "$1"' : 'umount "$1"', [outside]);
  }

  async copyOut(from: number, to: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await mkdir(to, { recursive: true });
      try {
        return await this.#outer('cp --archive --reflink=auto /proc/self/fd/3/. "$1"', [to], from);
      } catch (error) {
        // What runs inside may have removed a file while it was being copied.
        await removeTree(to);
        if (attempt === COPY_ATTEMPTS) throw error;
      }
    }
  }

  #outside(target: string): string {
    return join(this.#parts.spec.folder, 'root', target);
  }

  /** Runs a line of shell where this machine's folders are seen, with the container's rights. */
  #outer(script: string, args: readonly string[], handle?: number): Promise<void> {
    const enter = ['-t', String(this.#parts.init.pid), '-U', '-m', '--preserve-credentials'];
    return run('nsenter', [...enter, '--', 'sh', '-c', `cd "$0" && ${script}`, this.#parts.dataFolder, ...args], {
      handle,
    });
  }
}

// As a container's root is made, with this folder's file system for the changes.
const TRIAL_SCRIPT = `
set -e
mkdir -p "$0/up" "$0/work" "$0/root"
exec unshare --user --map-root-user --mount --pid --fork \\
  mount -t overlay overlay -o "lowerdir=/usr,upperdir=$0/up,workdir=$0/work,userxattr" "$0/root"
`;

/** Why containers cannot be had with their files in `folder`, or undefined when they can. */
export async function whyNoNamespaces(folder: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return `${process.platform} has no namespaces`;
  try {
    await run('unshare', ['--version']);
    await run('/bin/sh', ['-c', TRIAL_SCRIPT, folder]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await removeTree(folder);
  }
}
