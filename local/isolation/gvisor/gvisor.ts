/**
 * Containers in gVisor: the programs of a sandbox run on a kernel of their own, the sentry, which is an ordinary process here.
 * PID 1 of a mount and a PID namespace lays out the root as for plain namespaces, starts the sentry, and waits on a pipe from
 * this server. When that closes, the kernel kills the sentry with it.
 */
import { writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { Base } from '../base.ts';
import type { Container, ContainerSpec, Isolation } from '../container.ts';
import { applyLimits } from '../limits.ts';
import type { Networks } from '../networks.ts';
import { escaped, rootOverlays } from '../overlays.ts';
import { startUnshared } from '../unshared.ts';
import { configuration, flags, LIFE_PIPE, SANDBOX_ID, STATE_FOLDER } from './bundle.ts';
import { GvisorContainer } from './container.ts';

// $1: the container's folder. $2: the data folder, to which mount paths are relative. $3: the folder of runsc's state. The rest is
// the command that starts the sandbox. Once that has started the sentry, nothing but the sentry keeps the life pipe open for
// writing, as the stdout of the sandbox's PID 1.
const OUTER_SCRIPT = `
set -e
read -r pid _ < /proc/self/stat
cd "$2"
mount --make-rprivate /
mount -t tmpfs -o mode=700 tmpfs "$3"
mount --all --fstab "$1/fstab"
mount --make-rshared "$1/root"
mount -t proc proc /proc
mkfifo "$1/${LIFE_PIPE}"
own=$1; shift 3
"$@" < /dev/null 1<> "$own/${LIFE_PIPE}" 2> "$own/runsc.log" || { cat "$own/runsc.log" >&2; exit 1; }
echo "ready $pid"
exec env --ignore-signal=CHLD cat > /dev/null
`;

export class Gvisor implements Isolation {
  readonly #base: Base;
  readonly #dataFolder: string;
  readonly #networks: Networks;
  /** The path of gVisor's program. */
  readonly runsc: string;

  constructor(base: Base, dataFolder: string, runsc: string, networks: Networks) {
    this.#networks = networks;
    this.#base = base;
    this.#dataFolder = dataFolder;
    this.runsc = runsc;
  }

  async start(spec: ContainerSpec): Promise<Container> {
    const own = relative(this.#dataFolder, spec.folder);
    const lines = await rootOverlays(this.#base, this.#dataFolder, spec);
    lines.push(`tmpfs ${escaped(`${own}/root`)}/run tmpfs mode=755 0 0`);
    await writeFile(join(spec.folder, 'fstab'), `${lines.join('\n')}\n`);
    await writeFile(join(spec.folder, 'config.json'), JSON.stringify(configuration(spec)));
    const limits = await applyLimits(`local-modal-${process.pid}-${basename(spec.folder)}`, spec.limits, {
      perProcess: false,
    });
    const { network, leave } = await this.#networks.join(spec.network);
    const start = [this.runsc, ...flags(network), 'run', '--detach', '--bundle', spec.folder, SANDBOX_ID];
    const unshared = await startUnshared(
      ['--mount', '--pid', '--ipc', '--fork'],
      ['sh', '-c', OUTER_SCRIPT, 'sandbox', own, this.#dataFolder, STATE_FOLDER, ...start],
      limits,
      network.enter,
    ).catch((error) => {
      leave();
      throw error;
    });
    void unshared.ended.then(leave);
    return new GvisorContainer({ ...unshared, spec, network, dataFolder: this.#dataFolder });
  }
}
