import type { Sandbox } from 'modal';
import { type Disposable, Emitter, type Event } from '../base/events.ts';
import { isSandboxGone } from '../modal/errors.ts';
import type { Channels } from './channels.ts';
import { Forwarder, type ForwardOptions } from './forwarder.ts';
import { type Target, targetName } from './socket.ts';
import { strings } from './strings.ts';

/** A port of this computer that leads to a port or Unix socket in a sandbox. */
export interface Forward {
  readonly sandboxId: string;
  readonly target: Target;
  readonly localPort: number;
}

/** The forwards of this window, at most one for each target. They end with their sandbox. */
export class Forwards implements Disposable {
  readonly #channels: Channels;
  /** By sandbox and target. */
  readonly #starting = new Map<string, Promise<Forward>>();
  readonly #running = new Map<Forward, Forwarder>();
  readonly #didChange = new Emitter<void>();
  readonly #didFail = new Emitter<unknown>();
  /** Fires when a forward has started or ended. */
  readonly onDidChange: Event<void> = this.#didChange.event;
  /** Fires with the error when connections into a sandbox fail, unless it's a program in the sandbox that refuses them. */
  readonly onDidFail: Event<unknown> = this.#didFail.event;

  constructor(channels: Channels) {
    this.#channels = channels;
  }

  /** Forwards a target. Returns the same forward for the same target. Throws if no local port is free. */
  start(sandbox: Sandbox, target: Target, options: ForwardOptions = {}): Promise<Forward> {
    const key = `${sandbox.sandboxId}\0${targetName(target)}`;
    const starting = this.#starting.get(key) ?? this.#start(sandbox, target, options, () => this.#starting.delete(key));
    this.#starting.set(key, starting);
    starting.catch(() => this.#starting.delete(key));
    return starting;
  }

  async #start(sandbox: Sandbox, target: Target, options: ForwardOptions, forget: () => void): Promise<Forward> {
    const { sandboxId } = sandbox;
    const channel = this.#channels.of(sandbox, { owner: strings.portForwarding(), reason: targetName(target) });
    try {
      const forwarder = await Forwarder.listen(channel, target, options);
      const forward: Forward = { sandboxId, target, localPort: forwarder.port };
      channel.onDidClose(() => {
        forget();
        this.#running.delete(forward);
        this.#didChange.fire();
      });
      forwarder.onDidFail((error) => this.#failed(forward, error));
      this.#running.set(forward, forwarder);
      this.#didChange.fire();
      return forward;
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  /** The forwards into a sandbox, in the order in which they were started. */
  in(sandboxId: string): Forward[] {
    return [...this.#running.keys()].filter((each) => each.sandboxId === sandboxId);
  }

  /** Returns the number of open connections. */
  connections(forward: Forward): number {
    return this.#running.get(forward)?.connections ?? 0;
  }

  stop(forward: Forward): void {
    this.#running.get(forward)?.close();
  }

  /** Stops all forwards into a sandbox that has ended. */
  forget(sandboxId: string): void {
    for (const each of this.in(sandboxId)) this.stop(each);
  }

  stopAll(): void {
    for (const each of [...this.#running.keys()]) this.stop(each);
  }

  dispose(): void {
    this.stopAll();
  }

  #failed({ sandboxId }: Forward, error: unknown): void {
    if (isSandboxGone(error)) this.forget(sandboxId);
    else if (typeof (error as { code?: unknown }).code !== 'string') this.#didFail.fire(error);
  }
}
