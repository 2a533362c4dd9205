/** Builds an image layer: interprets its Dockerfile lines, and executes RUN in a container on the layers below. */
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Exec } from '../execs/exec.ts';
import type { Pipes } from '../execs/pipes.ts';
import { invalidArgument } from '../grpc/status.ts';
import type { ExecStatus } from '../grpc/wire.ts';
import type { Container, Isolation } from '../isolation/container.ts';
import { removeTree } from '../isolation/remove-tree.ts';
import { assignments, commandLine, expand, type Instruction, parseDockerfile, shellSplit } from './dockerfile.ts';

export const STANDARD_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The content of an image, which the next layer builds on. */
export interface ImageContent {
  /** The names of layer folders, lowest first. */
  readonly layers: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workdir?: string | undefined;
  /** The user for RUN. Defaults to root. */
  readonly user?: string | undefined;
}

export interface LayerRecipe {
  readonly commands: readonly string[];
  readonly base: ImageContent | undefined;
  /** The variables of the build's secrets. They are available to RUN, and don't become part of the image. */
  readonly secretEnv: Readonly<Record<string, string>>;
  readonly buildArgs: Readonly<Record<string, string>>;
}

export interface BuildTools {
  readonly isolation: Isolation;
  readonly pipes: Pipes;
  /** The folder with all layers. */
  readonly layersFolder: string;
  /** The folder for the build's container. */
  readonly scratch: string;
  /** The name for the layer, if the build changes any files. */
  readonly layerName: string;
  log(stream: 'stdout' | 'stderr' | 'system', text: string): void;
}

/** Only root can map other IDs than its own into namespaces. See `namespaces.ts`. */
const HAS_USERS = process.getuid?.() === 0;

// $0 is a user, uid, user:group, or uid:gid; the other arguments are a command. As in Docker, a name must exist, a number need
// not, and a number without a passwd entry gets root's group.
const RUN_AS_USER_SCRIPT = `
user=\${0%%:*} group=
case $0 in *:*) group=\${0#*:} ;; esac
entry=$(getent passwd "$user") || case $user in
  '' | *[!0-9]*) echo "unable to find user $user: no matching entries in passwd file" >&2; exit 1 ;;
esac
uid=$(printf %s "$entry" | cut -d : -f 3)
gid=$(printf %s "$entry" | cut -d : -f 4)
HOME=$(printf %s "$entry" | cut -d : -f 6)
export HOME="\${HOME:-/}"
if [ -z "$group" ] && [ -n "$entry" ]; then groups="--init-groups"; else groups="--clear-groups"; fi
exec setpriv --reuid "\${uid:-$user}" --regid "\${group:-\${gid:-0}}" "$groups" -- "$@"`;

/** A failed Dockerfile line. Clients show the message. */
export class BuildFailure extends Error {}

/** Throws INVALID_ARGUMENT for Dockerfile lines that Local Modal cannot build. */
export function assertBuildable(commands: readonly string[]): void {
  for (const { keyword, source } of parseDockerfile(commands)) {
    if (keyword === 'COPY' || keyword === 'ADD') {
      throw invalidArgument(
        `${keyword} is not supported by Local Modal, because builds have no uploaded files: ${source}`,
      );
    }
  }
}

/** Builds a layer. Throws a `BuildFailure` with the line that failed. */
export async function buildLayer(recipe: LayerRecipe, tools: BuildTools): Promise<ImageContent> {
  const build = new LayerBuild(recipe, tools);
  try {
    for (const each of parseDockerfile(recipe.commands)) await build.step(each);
    return await build.finish();
  } finally {
    await build.discard();
  }
}

class LayerBuild {
  readonly #tools: BuildTools;
  readonly #recipe: LayerRecipe;
  readonly #env: Record<string, string>;
  readonly #args: Record<string, string> = {};
  #workdir: string | undefined;
  #user: string | undefined;
  #shell = ['/bin/sh', '-c'];
  #container: Container | undefined;
  #runs = 0;

  constructor(recipe: LayerRecipe, tools: BuildTools) {
    this.#recipe = recipe;
    this.#tools = tools;
    this.#env = { PATH: STANDARD_PATH, ...recipe.base?.env };
    this.#workdir = recipe.base?.workdir;
    this.#user = recipe.base?.user;
  }

  get #variables(): Record<string, string> {
    return { ...this.#args, ...this.#env };
  }

  async step(instruction: Instruction): Promise<void> {
    const { keyword, rest, source } = instruction;
    if (keyword !== 'FROM') this.#tools.log('system', `=> ${source}\n`);
    switch (keyword) {
      case 'FROM':
        if (!this.#recipe.base) {
          const tag = shellSplit(expand(rest, this.#variables))[0] ?? '';
          this.#tools.log(
            'system',
            `Using this computer's own programs as the base image; ${tag} is not pulled from a registry\n`,
          );
          await this.#adaptTo(tag);
        }
        break;
      case 'ENV':
        for (const [name, value] of assignments(instruction)) this.#env[name] = expand(value ?? '', this.#variables);
        break;
      case 'ARG':
        for (const [name, value] of assignments(instruction)) {
          this.#args[name] = this.#recipe.buildArgs[name] ?? expand(value ?? '', this.#variables);
        }
        break;
      case 'WORKDIR':
        this.#workdir = posix.resolve(this.#workdir ?? '/', expand(shellSplit(rest)[0] ?? '', this.#variables));
        await this.#run(['mkdir', '-p', this.#workdir], source, '/');
        break;
      case 'SHELL':
        this.#shell = commandLine(rest, this.#shell);
        break;
      case 'USER':
        this.#user = expand(shellSplit(rest)[0] ?? '', this.#variables);
        if (!HAS_USERS)
          this.#tools.log(
            'system',
            'Local Modal is not running as root, so RUN continues as root inside the sandbox\n',
          );
        break;
      case 'RUN': {
        const argv = commandLine(rest.replace(/^(--\w+=\S+\s+)+/, ''), this.#shell);
        const asUser =
          this.#user !== undefined && HAS_USERS ? ['sh', '-c', RUN_AS_USER_SCRIPT, this.#user, ...argv] : argv;
        await this.#run(asUser, source, this.#workdir ?? '/');
        break;
      }
      default: // Metadata (LABEL, EXPOSE, CMD, and so on) has no effect on sandboxes.
    }
  }

  /** Uses bash as `sh` in Alpine images, because Alpine's shell has more features than Debian's. */
  async #adaptTo(tag: string): Promise<void> {
    if (!tag.includes('alpine') || !existsSync('/usr/bin/bash')) return;
    this.#tools.log('system', "Using bash as sh, the closest match to Alpine's shell\n");
    await this.#run(['ln', '-sfn', 'bash', '/usr/bin/sh'], `FROM ${tag}`, '/');
  }

  async finish(): Promise<ImageContent> {
    const { layersFolder, layerName, scratch } = this.#tools;
    const layers = [...(this.#recipe.base?.layers ?? [])];
    if (this.#container) {
      await this.#container.kill();
      await mkdir(layersFolder, { recursive: true });
      await rename(join(scratch, 'up'), join(layersFolder, layerName));
      layers.push(layerName);
    }
    return { layers, env: this.#env, workdir: this.#workdir, user: this.#user };
  }

  async discard(): Promise<void> {
    await this.#container?.kill();
    await removeTree(this.#tools.scratch);
  }

  async #run(argv: string[], source: string, workdir: string): Promise<void> {
    const { isolation, pipes, scratch, layersFolder, log } = this.#tools;
    this.#container ??= await isolation.start({
      folder: scratch,
      layers: (this.#recipe.base?.layers ?? []).map((layer) => join(layersFolder, layer)),
      network: 'open',
      limits: {},
    });
    const env = { HOME: '/root', ...this.#args, ...this.#env, ...this.#recipe.secretEnv };
    const spool = join(scratch, `run-${this.#runs++}`);
    const keep = { stdout: true, stderr: true };
    const exec = await Exec.start(this.#container, pipes, spool, { argv, env, workdir, keep }, () => {});
    await exec.stdin.write(0, new Uint8Array(), true);
    const endless = new AbortController().signal;
    const copy = async (stream: 'stdout' | 'stderr') => {
      const decoder = new TextDecoder();
      for await (const { data } of exec[stream].read(0, endless)) log(stream, decoder.decode(data, { stream: true }));
    };
    const [status] = await Promise.all([exec.ended, copy('stdout'), copy('stderr')]);
    await exec.dispose();
    const failure = describeFailure(status);
    if (failure) throw new BuildFailure(`${failure} in line: ${source}`);
  }
}

function describeFailure({ code, signal }: ExecStatus): string | undefined {
  if (signal !== undefined) return `killed by signal ${signal}`;
  return code === 0 ? undefined : `exit code ${code}`;
}
