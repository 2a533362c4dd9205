import type { Sandbox } from 'modal';
import { type Clock, wallClock } from '../../base/clock.ts';
import { type Disposable, Emitter, type Event } from '../../base/events.ts';
import { logError } from '../../base/log.ts';
import type { Channels, ListeningPort, Target } from '../../channel/channels.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import { isDebuggerPort } from './debugger-ports.ts';
import { strings } from './strings.ts';

/** A run that ends sooner costs no additional program in its sandbox. */
const START_DELAY_MS = 1_000;

/** A port that a program in a sandbox listens on. */
export interface DetectedPort {
  readonly sandboxId: string;
  readonly port: number;
  readonly target: Target;
  /** The program's command line. */
  readonly command: string;
}

export interface PortDetectionOptions {
  readonly channels: Channels;
  readonly commands: RunningCommands;
  readonly isEnabled: () => boolean;
  readonly findSandbox: (sandboxId: string) => Promise<Sandbox>;
  readonly clock?: Clock;
}

/** Detects the ports that programs listen on, in sandboxes in which this window is running something. */
export class PortDetection implements Disposable {
  readonly #options: PortDetectionOptions;
  readonly #clock: Clock;
  /** By sandbox ID: stops the detection. */
  readonly #stops = new Map<string, () => void>();
  readonly #detected = new Map<string, readonly DetectedPort[]>();
  readonly #didChange = new Emitter<string>();
  readonly #listening: Disposable;
  /** Fires with the sandbox's ID when its ports have changed. */
  readonly onDidChange: Event<string> = this.#didChange.event;

  constructor(options: PortDetectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? wallClock;
    this.#listening = options.commands.onDidChange(() => this.update());
  }

  /** The ports of the sandbox that are known now, by number. */
  in(sandboxId: string): readonly DetectedPort[] {
    return this.#detected.get(sandboxId) ?? [];
  }

  /** Starts and stops detections, after something has started or ended, or the setting has changed. */
  update(): void {
    const { commands, isEnabled } = this.#options;
    const busy = new Set(isEnabled() ? commands.all.map(({ sandboxId }) => sandboxId) : []);
    for (const [sandboxId, stop] of [...this.#stops]) {
      if (busy.has(sandboxId)) continue;
      this.#stops.delete(sandboxId);
      stop();
    }
    for (const sandboxId of busy) {
      if (this.#stops.has(sandboxId)) continue;
      const cancel = this.#clock.after(START_DELAY_MS, () => void this.#start(sandboxId).catch(logError));
      this.#stops.set(sandboxId, cancel);
    }
  }

  dispose(): void {
    this.#listening.dispose();
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
  }

  async #start(sandboxId: string): Promise<void> {
    const { channels, findSandbox } = this.#options;
    let isStopped = false;
    let close = () => {};
    this.#stops.set(sandboxId, () => {
      isStopped = true;
      close();
      this.#set(sandboxId, []);
    });
    const sandbox = await findSandbox(sandboxId);
    if (isStopped) return;
    const channel = channels.of(sandbox, { owner: strings.portDetection(), reason: strings.programIsRunning() });
    close = () => channel.close();
    channel.watchPorts((ports) => this.#set(sandboxId, detectedOf(sandboxId, ports)), { keepsOpen: true });
  }

  #set(sandboxId: string, ports: readonly DetectedPort[]): void {
    if (ports.length === 0 && this.in(sandboxId).length === 0) return;
    if (ports.length === 0) this.#detected.delete(sandboxId);
    else this.#detected.set(sandboxId, ports);
    this.#didChange.fire(sandboxId);
  }
}

/** Returns the ports of the sandbox's programs, other than those of debuggers. */
export function detectedOf(sandboxId: string, listening: readonly ListeningPort[]): DetectedPort[] {
  // A sandbox that shares this computer's network sees its ports, too, but not their processes.
  const own = listening.filter(({ port, command }) => command !== undefined && !isDebuggerPort(command, port));
  const byPort = Map.groupBy(own, ({ port }) => port);
  return [...byPort]
    .map(([port, all]): DetectedPort => {
      const [{ address, command = '' }] = all as [ListeningPort];
      const isLocal = all.some((each) => /^(?:127\.|0\.0\.0\.0$|::1?$)/.test(each.address));
      return { sandboxId, port, command, target: isLocal ? { port } : { host: address, port } };
    })
    .sort((one, other) => one.port - other.port);
}
