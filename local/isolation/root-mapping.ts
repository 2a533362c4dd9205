/**
 * A server that is started as root moves into a user namespace of its own, in which root is an ordinary user of the computer.
 * So neither the server nor its sandboxes have root's rights over the kernel, the devices, and other programs. The files that
 * the server needs keep their owners on disk: its mounts map the IDs (`mount_setattr`, Linux 5.12 or later).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { tool } from './tools.ts';

/** The IDs that the namespace has on the computer: a range that neither distributions nor systemd assign. */
const FIRST_ID = 0x70000000;
const ID_COUNT = 2 ** 24;
const PERL = '/usr/bin/perl';
/** The device that networks of sandboxes are made with. On some systems, only root may use it. */
const TUN = '/dev/net/tun';
/** The variable with the reason why this process could not move. */
const REASON_VARIABLE = 'LOCAL_MODAL_UNMAPPED_REASON';

// Arguments: the first ID, their number, the reason's variable, the working directory, the data folder, a device for networks, numbers of system calls that
// differ between architectures, the mounts to map, '--', and the command to continue with.
// The root and all below it is cloned, because only a mount that is not in use yet can be mapped, and becomes the new root. It is
// read-only outside of the data folder, as root's files belong to the namespace's root there: a program in a sandbox that sees
// one, such as the executable of a helper that enters, could otherwise write to it.
// The namespace belongs to a second process for a moment, because only another process may map a range.
const MOVE_SCRIPT = `
my ($first, $count, $variable, $here, $data, $tun, $unshare, $mount, $umount, $pivot, $setns) = splice @ARGV, 0, 11;
my @mounts; while ((my $next = shift @ARGV) ne '--') { push @mounts, $next }
sub call { my ($name, $number, @rest) = @_; my $result = syscall($number, @rest); die "$name: $!\\n" if $result < 0; $result }
eval {
  call('unshare', $unshare, 0x20000);
  call('mount', $mount, 'none', '/', 0, 0x44000, 0);
  eval { call('mount', $mount, $tun, '${TUN}', 0, 0x1000, 0) } if $tun ne '';
  pipe(my $hear, my $tell); pipe(my $wait, my $release);
  my $owner = fork // die "fork: $!\\n";
  if (!$owner) {
    close $hear; close $release;
    syswrite $tell, 'x' if syscall($unshare, 0x10000000) == 0;
    close $tell; sysread $wait, my $end, 1; exit 0;
  }
  close $tell; close $wait;
  sysread $hear, my $ready, 1 or die "no user namespaces\\n";
  for my $map ('gid_map', 'uid_map') {
    open my $file, '>', "/proc/$owner/$map" or die "$map: $!\\n";
    syswrite $file, "0 $first $count" or die "$map: $!\\n";
  }
  open my $namespace, '<', "/proc/$owner/ns/user" or die "ns: $!\\n";
  my $tree = call('open_tree', 428, -100, '/', 0x88001);
  my $own = call('open_tree', 428, -100, $data, 0x80001);
  my $change = sub {
    my ($base, $path, $flags) = @_;
    my $attributes = pack 'Q4', $flags, 0, 0, fileno $namespace;
    call("mapping of /$path", 442, $base, $path, $path eq '' ? 0x1000 : 0, $attributes, length $attributes);
  };
  $change->($tree, $_, 0x100001) for @mounts;
  $change->($own, '', 0x100000);
  call('move_mount', 429, $tree, '', -100, '/', 4);
  chdir "/proc/self/fd/$tree" or die "chdir: $!\\n";
  call('pivot_root', $pivot, '.', '.');
  call('umount', $umount, '.', 2);
  call('move_mount', 429, $own, '', -100, $data, 4);
  chdir $here or chdir '/';
  call('setns', $setns, fileno $namespace, 0x10000000);
  close $release; waitpid $owner, 0;
  $) = '0 0'; $( = 0; $> = 0; $< = 0;
};
chomp($ENV{$variable} = $@) if $@;
exec @ARGV or die "exec: $!\\n";
`;

/** The numbers of unshare, mount, umount2, pivot_root, and setns. Those of newer system calls are the same everywhere. */
const SYSTEM_CALLS: Partial<Record<NodeJS.Architecture, readonly number[]>> = {
  x64: [272, 165, 166, 155, 308],
  arm64: [97, 40, 39, 41, 268],
};

type IdKind = 'uid' | 'gid';

/** Returns the user namespace's ranges of IDs, each as the first ID in it, the first one outside, and their number. */
function idRanges(kind: IdKind): [inside: number, outside: number, count: number][] {
  const lines = readFileSync(`/proc/self/${kind}_map`, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
    return [inside, outside, count];
  });
}

/** Returns a map for a namespace below this one, with the same IDs. */
export function sameIds(kind: IdKind): string {
  return idRanges(kind)
    .map(([inside, , count]) => `${inside} ${inside} ${count}\n`)
    .join('');
}

/** Returns whether this process has root's rights over the computer, rather than over a namespace. */
function isRealRoot(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return idRanges('uid').some(([inside, outside]) => inside === 0 && outside === 0);
}

/** Returns the mount points that `files` are on. */
function mountsOf(files: readonly string[]): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .trim()
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8))),
    );
  const holds = (point: string, file: string) => point === sep || file === point || file.startsWith(point + sep);
  const deepest = (file: string) =>
    points.filter((point) => holds(point, file)).reduce((one, other) => (other.length > one.length ? other : one), sep);
  return [...new Set(files.filter((file) => existsSync(file)).map((file) => deepest(realpathSync(file))))];
}

/**
 * If this process is root, runs its program again in a namespace, with the same process ID, and doesn't return. Returns if it
 * isn't root, or if the computer cannot do this; `whyUnmapped` then returns the reason.
 */
export function dropRoot(dataFolder: string): void {
  if (!isRealRoot() || process.env[REASON_VARIABLE]) return;
  const calls = SYSTEM_CALLS[process.arch];
  if (!calls || !existsSync(PERL) || !process.execve) return;
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const data = realpathSync(dataFolder);
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const mounts = mountsOf(['/', '/usr', '/etc', '/var/lib/dpkg', data, process.execPath, process.argv[1] ?? '/']);
  const numbers = [FIRST_ID, ID_COUNT].map(String);
  const script = [
    PERL,
    '-e',
    MOVE_SCRIPT,
    '--',
    ...numbers,
    REASON_VARIABLE,
    process.cwd(),
    data,
    makeTun(data),
    ...calls.map(String),
  ];
  // Node warns that `execve` is experimental.
  process.removeAllListeners('warning');
  process.execve(PERL, [...script, ...mounts.map((mount) => mount.slice(1)), '--', ...program]);
}

/** Makes the device for networks again, usable for every user, though only in the data folder. Returns '' if that isn't possible. */
function makeTun(data: string): string {
  const file = join(data, 'tun');
  if (!existsSync(TUN)) return '';
  rmSync(file, { force: true });
  return spawnSync(tool('mknod'), ['-m', '666', file, 'c', '10', '200']).status === 0 ? file : '';
}

/** Returns why this process is still root, or undefined if it isn't. */
export function whyRoot(): string | undefined {
  if (!isRealRoot()) return undefined;
  return process.env[REASON_VARIABLE] ?? `Perl, x86-64 or Arm64, and Node 22.15 or later are required`;
}
