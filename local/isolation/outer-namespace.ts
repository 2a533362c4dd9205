/**
 * The outer mount namespace of a container, which sees the host's folders and the container's root. What is mounted below the
 * root there appears in the running container.
 */
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { BindMount, Mounts, OverlayMount } from './container.ts';
import { runHelper } from './helpers.ts';
import { Jail } from './jail.ts';
import { removeTree } from './remove-tree.ts';

const COPY_ATTEMPTS = 4;

interface OuterNamespaceSetup {
  /** A process in the namespace. */
  readonly pid: number;
  /** Whether `/proc` in the namespace belongs to the process's PID namespace, rather than to this server's. */
  readonly hasOwnProc?: boolean;
  /** The container's folder. */
  readonly folder: string;
  readonly dataFolder: string;
  /** Returns the path of the container's root, for this process. */
  readonly root: () => string;
}

export class OuterNamespace implements Mounts {
  readonly #setup: OuterNamespaceSetup;

  constructor(setup: OuterNamespaceSetup) {
    this.#setup = setup;
  }

  async mount(mount: BindMount | OverlayMount): Promise<void> {
    const jail = new Jail(this.#setup.root());
    jail.mkdirs(mount.target);
    const target = this.#pathOf(jail.realpath(mount.target));
    if ('lower' in mount) {
      const fromDataFolder = (folder: string) => relative(this.#setup.dataFolder, folder);
      const lower = [...mount.lower].reverse().map(fromDataFolder).join(':');
      const options = `lowerdir=${lower},upperdir=${fromDataFolder(mount.upper)},workdir=${fromDataFolder(mount.work)},userxattr`;
      return this.#run('mount -t overlay overlay -o "$1" "$2"', [options, target]);
    }
    if (!mount.readOnly) return this.#run('mount --bind "$1" "$2"', [mount.source, target]);
    // A mount propagates to the inner namespace with the flags that it has, so it must be read-only before.
    const stage = join(this.#setup.folder, 'stage');
    await mkdir(stage, { recursive: true });
    return this.#run(
      'mount --bind "$1" "$3" && mount -o remount,bind,ro "$3" && mount --bind "$3" "$2" && umount "$3"',
      [mount.source, target, stage],
    );
  }

  unmount(target: string, { lazy }: { lazy: boolean }): Promise<void> {
    const outside = this.#pathOf(new Jail(this.#setup.root()).realpath(target));
    return this.#run(lazy ? 'umount --lazy "$1"' : 'umount "$1"', [outside]);
  }

  async copyOut(from: number, to: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await mkdir(to, { recursive: true });
      try {
        return await this.#run('cp --archive --reflink=auto /proc/self/fd/3/. "$1"', [to], from);
      } catch (error) {
        // A program in the container may have removed a file while it was copied.
        await removeTree(to);
        if (attempt === COPY_ATTEMPTS) throw error;
      }
    }
  }

  #pathOf(target: string): string {
    return join(this.#setup.folder, 'root', target);
  }

  /** Runs a shell command in the namespace, with the container's permissions. */
  #run(script: string, args: readonly string[], handle?: number): Promise<void> {
    const { pid, hasOwnProc } = this.#setup;
    const enter = ['-t', String(pid), '-U', '-m', ...(hasOwnProc ? ['-p'] : []), '--preserve-credentials'];
    const shell = ['/bin/sh', '-c', `cd "$0" && ${script}`, this.#setup.dataFolder];
    return runHelper('nsenter', [...enter, '--', ...shell, ...args], { handle });
  }
}
