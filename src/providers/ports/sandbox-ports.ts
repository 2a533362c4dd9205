import { type Disposable, Emitter, type Event } from '../../base/events.ts';
import { type Target, targetName } from '../../channel/channels.ts';
import type { Forward, Forwards } from '../../channel/forwards.ts';
import { type PrivatePort, type Profile, privatePorts } from '../../profiles/schema.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { KeptForwards } from './kept-forwards.ts';
import type { PortDetection } from './port-detection.ts';
import type { PrintedUrls } from './printed-urls.ts';

/** A port or Unix socket of a sandbox. */
export interface PortPlace {
  readonly sandboxId: string;
  readonly target: Target;
}

/** A port or Unix socket of a sandbox, as the view shows it. */
export interface ListedPort extends PortPlace {
  /** Its name in the profile. */
  readonly label?: string | undefined;
  /** The command line of the program that listens on it, if a detection is running. */
  readonly command?: string | undefined;
  readonly forward?: Forward | undefined;
  readonly connections: number;
}

export interface SandboxPortsOptions {
  readonly sessions: Pick<Sessions, 'find' | 'ownerOf' | 'profile' | 'connection'>;
  readonly forwards: Forwards;
  readonly detection: PortDetection;
  readonly printed: PrintedUrls;
  readonly kept: KeptForwards;
}

/** The ports of sandboxes that only this computer can reach: those that are forwarded, are detected, or have a name. */
export class SandboxPorts implements Disposable {
  readonly #options: SandboxPortsOptions;
  readonly #didChange = new Emitter<void>();
  readonly #listening: readonly Disposable[];
  /** Fires when the ports of a sandbox have changed. */
  readonly onDidChange: Event<void> = this.#didChange.event;

  constructor(options: SandboxPortsOptions) {
    this.#options = options;
    const { forwards, detection } = options;
    this.#listening = [forwards, detection].map((each) => each.onDidChange(() => this.#didChange.fire()));
  }

  dispose(): void {
    for (const each of this.#listening) each.dispose();
  }

  /** Returns the ports of a sandbox by number, and then its sockets. */
  async in(sandboxId: string): Promise<ListedPort[]> {
    const { forwards, detection } = this.#options;
    const named = privatePorts(await this.#profileOf(sandboxId));
    const places: PortPlace[] = [
      ...forwards.in(sandboxId),
      ...detection.in(sandboxId),
      ...named.map(({ port }) => ({ sandboxId, target: { port } })),
    ];
    const byName = new Map(places.map((place) => [targetName(place.target), place] as const).reverse());
    return [...byName.values()]
      .map((place) => this.#list(place, named))
      .sort((one, other) => portNumber(one.target) - portNumber(other.target));
  }

  /** Returns what is known about a port. */
  async at(place: PortPlace): Promise<ListedPort> {
    return this.#list(place, privatePorts(await this.#profileOf(place.sandboxId)));
  }

  /** Forwards the ports of a sandbox that has ended from the one that was started with its files. */
  async resume(fromId: string, sandboxId: string): Promise<void> {
    const forwards = this.#options.kept.of(fromId);
    await Promise.all(forwards.map(({ target, localPort }) => this.forward({ sandboxId, target }, localPort)));
  }

  /**
   * Forwards a port, unless that is done already, to a port of this computer if it's free. Throws if the sandbox can't be
   * found, or no local port is free.
   */
  async forward({ sandboxId, target }: PortPlace, wantedPort?: number): Promise<Forward> {
    const { sessions, forwards, kept } = this.#options;
    const profile = await this.#profileOf(sandboxId);
    const { account } = await sessions.connection();
    const port = portNumber(target);
    const { localPort = port } = privatePorts(profile).find((each) => each.port === port) ?? {};
    // A sandbox on this computer that has network access shares its ports: a forward of a port to itself would never end.
    const isOwnPort = account.isLocal === true && !profile.offline && localPort === port;
    const preferredPort = wantedPort ?? (isOwnPort || 'path' in target ? 0 : localPort);
    const forward = await forwards.start(await sessions.find(sandboxId), target, { preferredPort });
    await kept.add(forward);
    return forward;
  }

  /** Returns the address of a forwarded port in this window's computer, with the path that the program has printed. */
  urlOf({ sandboxId, target, localPort }: Forward): string {
    const { scheme = 'http', path = '/' } = this.#options.printed.of(sandboxId, portNumber(target)) ?? {};
    return `${scheme}://127.0.0.1:${localPort}${path}`;
  }

  #list(place: PortPlace, named: readonly PrivatePort[]): ListedPort {
    const { forwards, detection } = this.#options;
    const { sandboxId, target } = place;
    const isSame = (other: PortPlace) => targetName(other.target) === targetName(target);
    const forward = forwards.in(sandboxId).find(isSame);
    return {
      sandboxId,
      target,
      label: named.find(({ port }) => port === portNumber(target))?.label,
      command: detection.in(sandboxId).find(isSame)?.command,
      forward,
      connections: forward ? forwards.connections(forward) : 0,
    };
  }

  /** Returns the parts of a sandbox's profile that concern its ports. A sandbox of another window has none of them. */
  async #profileOf(sandboxId: string): Promise<Pick<Profile, 'ports' | 'offline'>> {
    const { sessions } = this.#options;
    const owner = await sessions.ownerOf(sandboxId);
    const named = owner && (await sessions.profile(owner.folder, owner.profile).catch(() => undefined));
    return named?.profile ?? { ports: [], offline: false };
  }
}

/** Returns the number of a target's port. Sockets have none, and come last. */
export function portNumber(target: Target): number {
  return 'port' in target ? target.port : Number.POSITIVE_INFINITY;
}

const SOCKET_PATH = /^\/[^\0]{0,106}$/;

/** Returns the port or Unix socket that a text means: `8000`, `localhost:8000`, `10.0.0.1:8000`, or `/tmp/app.sock`. */
export function parseTarget(text: string): Target | undefined {
  const trimmed = text.trim();
  if (SOCKET_PATH.test(trimmed)) return { path: trimmed };
  const { host, port } = /^(?:(?<host>[\w.-]+|\[[\da-fA-F:.]+\]):)?(?<port>\d{1,5})$/.exec(trimmed)?.groups ?? {};
  const number = Number(port);
  if (!(number >= 1 && number <= 65_535)) return undefined;
  if (host === undefined || host === 'localhost') return { port: number };
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: number };
}
