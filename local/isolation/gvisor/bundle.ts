/** The bundle of a gVisor sandbox: its OCI configuration and the flags of `runsc`. */
import { join } from 'node:path';
import type { ContainerNetwork, ContainerSpec } from '../container.ts';
import { tool } from '../tools.ts';

/** The folder of `runsc`'s state in the outer namespace. Paths of sockets must be short, and nothing needs what it covers. */
export const STATE_FOLDER = '/sys/fs';
/** The named pipe in a container's folder that the sentry keeps open for writing. When it ends, for whatever reason, a reader notices. */
export const LIFE_PIPE = 'life';
export const SANDBOX_ID = 's';
export const SOCKET_NAME = `runsc-${SANDBOX_ID}.sock`;

const CAPABILITIES = [
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_ADMIN'],
  ...['NET_BIND_SERVICE', 'NET_RAW', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_ADMIN', 'SYS_CHROOT', 'SYS_PTRACE'],
  'SYS_RESOURCE',
].map((name) => `CAP_${name}`);

/** The signals whose default action would end PID 1, which gVisor doesn't protect. SIGCHLD is ignored, so orphans are reaped. */
const IGNORED_SIGNALS = ['CHLD', 'HUP', 'INT', 'QUIT', 'TERM', 'USR1', 'USR2', 'ALRM', 'PIPE'];

/**
 * Returns the flags. The server changes files, too, so gVisor must neither cache them nor keep their names open (a volume
 * couldn't be unmounted). Limits are those of the cgroup that it runs in.
 */
export function flags({ isLoopback }: ContainerNetwork): string[] {
  return [
    `--root=${STATE_FOLDER}`,
    '--rootless',
    '--ignore-cgroups',
    '--overlay2=none',
    '--file-access=shared',
    '--dcache=0',
    `--network=${isLoopback ? 'none' : 'host'}`,
  ];
}

/** Returns the OCI configuration. */
export function configuration({ folder }: Pick<ContainerSpec, 'folder'>): object {
  const root = join(folder, 'root');
  const ignored = IGNORED_SIGNALS.map((signal) => `--ignore-signal=${signal}`);
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid: 0, gid: 0 },
      args: [tool('env'), ...ignored, tool('sleep'), 'infinity'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      cwd: '/',
      capabilities: Object.fromEntries(
        ['bounding', 'effective', 'inheritable', 'permitted'].map((set) => [set, CAPABILITIES]),
      ),
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 65536, soft: 65536 }],
    },
    root: { path: root },
    hostname: 'modal',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro'] },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=0755', 'nosuid'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts' },
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['mode=1777'] },
      // Otherwise, gVisor mounts a tmpfs over an empty /tmp, which the server wouldn't see.
      { destination: '/tmp', type: 'bind', source: join(root, 'tmp'), options: ['rbind', 'rw'] },
    ],
    linux: { namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })), rootfsPropagation: 'rslave' },
  };
}
