import type { Readable } from 'node:stream';
import type { ModalClient, Sandbox } from 'modal';
import { type Clock, wallClock } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import { type Disposable, Emitter, type Event } from '../base/events.ts';
import type { LanguageName } from './boot.ts';
import type { Helper } from './helper.ts';
import { type ListeningPort, signalProcess, tail } from './observers.ts';
import { SandboxProcess, type SpawnOptions } from './process.ts';
import { SandboxHub } from './sandbox-hub.ts';
import { SandboxSocket, type Target } from './socket.ts';
import { strings } from './strings.ts';

export interface ChannelsOptions {
  /** Returns the client that the sandboxes' objects come from. */
  client(): Promise<ModalClient>;
  /** Must advance while the computer sleeps. */
  readonly clock?: Clock;
  /** The languages that helpers may be written in. Defaults to all. */
  readonly languages?: readonly LanguageName[];
  /** A helper that hears nothing for this long ends itself. Defaults to two minutes. */
  readonly lostWindowMs?: number;
}

/** Why there are connections into a sandbox, which keep it from becoming idle. Shown to users. */
export interface ChannelPurpose {
  /** The feature, such as “Port forwarding”. */
  readonly owner: string;
  /** What for, such as “localhost:8000”. */
  readonly reason: string;
}

export interface ChannelInfo extends ChannelPurpose {
  readonly sandboxId: string;
  /** The open connections, commands, and other streams that keep the sandbox from becoming idle. */
  readonly streams: number;
}

/**
 * Connections into sandboxes, without public ports. All channels of a sandbox share one helper, a program that is started
 * with the first stream and ends a minute after the last one. While it runs, the sandbox doesn't become idle; a channel
 * without streams costs nothing.
 */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #hubs = new Map<string, SandboxHub>();
  readonly #channels = new Set<Channel>();
  readonly #didChange = new Emitter<void>();
  /** Fires when a channel is opened or closed, or the number of its streams changes. */
  readonly onDidChange: Event<void> = this.#didChange.event;

  constructor(options: ChannelsOptions) {
    this.#options = options;
  }

  /** Opens a channel. Makes no call yet. Close it when its purpose has ended. */
  of(target: Sandbox | { readonly sandbox: Sandbox }, purpose: ChannelPurpose): Channel {
    const sandbox = 'sandbox' in target ? target.sandbox : target;
    const { sandboxId } = sandbox;
    const { client, clock = wallClock, languages, lostWindowMs } = this.#options;
    const hub =
      this.#hubs.get(sandboxId) ??
      new SandboxHub(async () => ({ modal: await client(), sandbox, clock, languages, lostWindowMs }), clock);
    this.#hubs.set(sandboxId, hub);
    const channel: Channel = new Channel(hub, { ...purpose, sandboxId }, (isClosed) => {
      if (isClosed) this.#channels.delete(channel);
      if (isClosed && ![...this.#channels].some((each) => each.info.sandboxId === sandboxId)) {
        this.#hubs.delete(sandboxId);
        hub.close(new UserError(strings.channelClosed(purpose.owner)));
      }
      this.#didChange.fire();
    });
    this.#channels.add(channel);
    this.#didChange.fire();
    return channel;
  }

  /** The open channels, in the order in which they were opened. */
  get all(): readonly ChannelInfo[] {
    return [...this.#channels].map(({ info }) => info);
  }

  /** Closes all channels, and ends their helpers. */
  dispose(): void {
    for (const each of [...this.#channels]) each.close();
  }
}

/** A stream of a channel, to be ended with it. */
interface OwnStream {
  end(reason: Error): void;
}

/** Connections into one sandbox for one purpose. Every method throws `UserError` and the SDK's errors. */
export class Channel {
  readonly #hub: SandboxHub;
  readonly #identity: ChannelPurpose & { readonly sandboxId: string };
  readonly #onChange: (isClosed: boolean) => void;
  readonly #streams = new Set<OwnStream>();
  readonly #watches = new Set<Disposable>();
  readonly #didClose = new Emitter<void>();
  #isClosed = false;
  readonly onDidClose: Event<void> = this.#didClose.event;

  constructor(
    hub: SandboxHub,
    identity: ChannelPurpose & { readonly sandboxId: string },
    onChange: (isClosed: boolean) => void,
  ) {
    this.#hub = hub;
    this.#identity = identity;
    this.#onChange = onChange;
  }

  get info(): ChannelInfo {
    return { ...this.#identity, streams: this.#streams.size };
  }

  /**
   * Connects to a port or Unix socket from inside the sandbox. Resolves as soon as the helper runs: what is written to the
   * socket at once saves a round trip, and `opened` tells when the connection is made. Listen to the socket's `error`.
   */
  async connect(target: Target): Promise<SandboxSocket> {
    return this.#open((helper) => {
      const socket = new SandboxSocket(helper, target);
      return { stream: socket, ended: (done) => socket.once('close', done), end: () => socket.destroy() };
    });
  }

  /** Starts a command. Resolves as soon as the helper runs: its `pid` tells whether it could be started. */
  async spawn(argv: readonly [string, ...string[]], options: SpawnOptions = {}): Promise<SandboxProcess> {
    return this.#open((helper) => {
      const process = new SandboxProcess(helper, argv, options);
      return {
        stream: process,
        ended: (done) => void process.ended.then(done),
        end: (reason) => process.close(reason),
      };
    });
  }

  /**
   * Follows a file from its start or its present end. It may not exist yet, and may be cut off or replaced. Destroy the
   * stream to stop.
   */
  async tail(path: string, from: 'start' | 'end' = 'end'): Promise<Readable> {
    return this.#open((helper) => {
      const reader = tail(helper, path, from);
      return { stream: reader, ended: (done) => reader.once('close', done), end: () => reader.destroy() };
    });
  }

  /** Sends a signal to a process in the sandbox, or to a process group if the ID is negative. */
  async signal(pid: number, signal: NodeJS.Signals): Promise<void> {
    if (this.#isClosed) throw this.#closedError();
    await signalProcess(await this.#hub.helper(), pid, signal);
  }

  /**
   * Calls a listener with all ports that programs listen on, at first and whenever they change. With `keepsOpen`, it
   * starts the helper and keeps it running, and so keeps the sandbox from becoming idle: use it only while something else
   * does, such as a run. Otherwise it listens whenever the helper runs for another reason. Continues after the helper has
   * ended and started again.
   */
  watchPorts(
    listener: (ports: readonly ListeningPort[]) => void,
    { keepsOpen = false }: { readonly keepsOpen?: boolean } = {},
  ): Disposable {
    if (this.#isClosed) throw this.#closedError();
    const watch = this.#hub.watchPorts(listener, keepsOpen);
    const disposable = {
      dispose: () => {
        watch.dispose();
        this.#watches.delete(disposable);
      },
    };
    this.#watches.add(disposable);
    return disposable;
  }

  /** Ends all of its streams at once, without an `error`. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const each of [...this.#watches]) each.dispose();
    for (const each of [...this.#streams]) each.end(this.#closedError());
    this.#onChange(true);
    this.#didClose.fire();
  }

  async #open<T>(
    create: (helper: Helper) => { stream: T; ended: (done: () => void) => void; end: (reason: Error) => void },
  ): Promise<T> {
    if (this.#isClosed) throw this.#closedError();
    const release = this.#hub.hold();
    try {
      const helper = await this.#hub.helper();
      if (this.#isClosed) throw this.#closedError();
      const { stream, ended, end } = create(helper);
      const own: OwnStream = { end };
      this.#streams.add(own);
      this.#onChange(false);
      ended(() => {
        this.#streams.delete(own);
        release();
        if (!this.#isClosed) this.#onChange(false);
      });
      return stream;
    } catch (error) {
      release();
      throw error;
    }
  }

  #closedError(): UserError {
    return new UserError(strings.channelClosed(this.#identity.owner));
  }
}

export type { ListeningPort } from './observers.ts';
export type { ProcessExit, SandboxProcess, SpawnOptions } from './process.ts';
export { type SandboxSocket, type Target, targetName } from './socket.ts';
