/**
 * The base layer of every image: the host's own userland. `/usr` and similar folders are the lowest layer of each sandbox
 * (copy-on-write), what everybody may read of `/etc` is copied once, and everything else starts empty.
 */
import {
  chmodSync,
  copyFileSync,
  type Dirent,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { chmod, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from './remove-tree.ts';

/** A part of the root that is a separate overlay because it has a host folder as its lowest layer. */
export interface Tree {
  /** The folder name in each layer. */
  readonly name: string;
  /** The absolute path in the sandbox. */
  readonly target: string;
  /** The host folder below all layers. */
  readonly host?: string;
}

export interface Base {
  readonly folder: string;
  readonly trees: readonly Tree[];
}

const EMPTY_FOLDERS = [
  ...['home', 'root', 'opt', 'srv', 'mnt', 'media', 'proc', 'sys', 'run', 'dev/pts', 'dev/shm'],
  ...['var/log', 'var/lib', 'var/cache', 'var/spool', 'usr', '__modal/.bin'],
];
export const DEVICES: readonly string[] = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
const LINKS: Record<string, string> = {
  'dev/ptmx': 'pts/ptmx',
  'dev/fd': '/proc/self/fd',
  'dev/stdin': 'fd/0',
  'dev/stdout': 'fd/1',
  'dev/stderr': 'fd/2',
  'var/run': '/run',
  'var/lock': '/run/lock',
};
/** Files that change with the network, and that are often links to places that sandboxes cannot see. */
const NETWORK_FILES = ['/etc/resolv.conf', '/etc/hosts'];
const SECRET_FILES = /^\/etc\/(g?shadow-?|sudoers(\.d)?|ssh\/ssh_host_.*|ssl\/private|machine-id|krb5\.keytab)$/;

async function isDirectory(file: string): Promise<boolean> {
  return lstat(file).then(
    (stat) => stat.isDirectory(),
    () => false,
  );
}

/**
 * Copies a folder, except for secret files and what not every user may read, even if this one may. This is synchronous because
 * nothing else needs to run yet and it takes half the time.
 */
function copyReadable(from: string, to: string): void {
  const { mode } = statSync(from);
  const entries =
    mode & 0o004 && mode & 0o001 ? ifPermitted(() => readdirSync(from, { withFileTypes: true })) : undefined;
  if (!entries) return;
  mkdirSync(to);
  for (const entry of entries) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (SECRET_FILES.test(source)) continue;
    if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else if (entry.isDirectory()) copyReadable(source, target);
    else if (entry.isFile() && statSync(source).mode & 0o004) ifPermitted(() => copyFileSync(source, target));
  }
  chmodSync(to, mode & 0o7777);
}

function ifPermitted<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
    throw error;
  }
}

async function makeRoot(root: string): Promise<void> {
  for (const folder of EMPTY_FOLDERS) await mkdir(join(root, folder), { recursive: true });
  for (const folder of ['tmp', 'var/tmp']) {
    await mkdir(join(root, folder), { recursive: true });
    await chmod(join(root, folder), 0o1777);
  }
  await chmod(join(root, 'root'), 0o700);
  for (const device of DEVICES) await writeFile(join(root, 'dev', device), '');
  for (const [name, target] of Object.entries(LINKS)) await symlink(target, join(root, name));
  copyReadable('/etc', join(root, 'etc'));
  // apt would switch to a user that the sandbox's user namespace may not have.
  await mkdir(join(root, 'etc/apt/apt.conf.d'), { recursive: true });
  await writeFile(join(root, 'etc/apt/apt.conf.d/01local-modal'), 'APT::Sandbox::User "root";\n');
}

/**
 * Creates a copy of a folder tree without its files. Folders that belong to other users are not writable, but in an overlay
 * the owner of the upper folder counts, and the files show through. This is synchronous because nothing else needs to run
 * yet and it takes a third of the time.
 */
function mirrorFolders(host: string, own: string): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(host, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    mkdirSync(join(own, entry.name), { recursive: true });
    mirrorFolders(join(host, entry.name), join(own, entry.name));
  }
}

/** Adds a `python` command, which Python images have, if the host has only `python3`, like Debian. */
async function linkPython(usr: string): Promise<void> {
  const exists = (file: string) =>
    lstat(file).then(
      () => true,
      () => false,
    );
  if (
    !(await exists('/usr/bin/python3')) ||
    (await exists('/usr/bin/python')) ||
    (await exists('/usr/local/bin/python'))
  )
    return;
  await mkdir(join(usr, 'local/bin'), { recursive: true });
  await symlink('/usr/bin/python3', join(usr, 'local/bin/python'));
}

/** Increase this when the layout of the base changes. */
const LAYOUT_VERSION = 2;

/** Returns the name of the base. It changes when programs are installed on or removed from the host. */
async function baseName(): Promise<string> {
  const times: number[] = [];
  for (const folder of ['/usr/bin', '/usr/lib', '/etc/alternatives']) {
    times.push(
      await lstat(folder).then(
        ({ mtimeMs }) => Math.floor(mtimeMs),
        () => 0,
      ),
    );
  }
  return `base-${LAYOUT_VERSION}-${Math.max(...times).toString(36)}`;
}

/**
 * Creates the base layer in the data folder unless it exists, and removes older ones. Call it only at startup, while no
 * sandbox uses a base. `nameServer` is the address of the sandboxes' name server, if it isn't the host's.
 */
export async function prepareBase(dataFolder: string, nameServer?: string): Promise<Base> {
  const name = await baseName();
  const folder = join(dataFolder, name);
  for (const other of await readdir(dataFolder)) {
    if (other.startsWith('base-') && other !== name) await removeTree(join(dataFolder, other));
  }
  const trees: Tree[] = [{ name: 'root', target: '/' }];
  const rootLinks: [string, string][] = [];
  for (const name of ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']) {
    if (await isDirectory(`/${name}`)) trees.push({ name, target: `/${name}`, host: `/${name}` });
    else {
      const target = await readlink(`/${name}`).catch(() => undefined);
      if (target !== undefined) rootLinks.push([name, target]);
    }
  }
  if (await isDirectory('/var/lib/dpkg')) trees.push({ name: 'dpkg', target: '/var/lib/dpkg', host: '/var/lib/dpkg' });
  if (!(await isDirectory(folder))) {
    const unfinished = `${folder}.${process.pid}`;
    await makeRoot(join(unfinished, 'root'));
    for (const [name, target] of rootLinks) await symlink(target, join(unfinished, 'root', name));
    for (const tree of trees) {
      await mkdir(join(unfinished, 'root', tree.target), { recursive: true });
      await mkdir(join(unfinished, tree.name), { recursive: true });
      if (tree.host && process.getuid?.() !== 0) mirrorFolders(tree.host, join(unfinished, tree.name));
    }
    await linkPython(join(unfinished, 'usr'));
    await rename(unfinished, folder);
  }
  for (const file of NETWORK_FILES) {
    const isOwn = nameServer !== undefined && file === '/etc/resolv.conf';
    const content = isOwn ? `nameserver ${nameServer}\n` : await readFile(file).catch(() => undefined);
    if (!content) continue;
    await rm(join(folder, 'root', file), { force: true });
    await writeFile(join(folder, 'root', file), content);
  }
  return { folder, trees };
}
