import type * as vscode from 'vscode';
import { z } from 'zod';
import { logError } from '../../base/log.ts';
import { cleanLine } from '../../base/text.ts';
import { readSettings } from '../common/settings.ts';
import { window } from '../common/window.ts';
import type { PortActions } from './port-actions.ts';
import type { DetectedPort, PortDetection } from './port-detection.ts';
import type { PrintedUrls } from './printed-urls.ts';
import type { SandboxPorts } from './sandbox-ports.ts';
import { strings } from './strings.ts';

const DECLINED_KEY = 'portsNotOffered';
const MAX_PROGRAM_CHARS = 60;
/** Systems choose ports from this one on at random, mostly for programs that talk to themselves. */
const FIRST_RANDOM_PORT = 32_768;

export interface PortOffersOptions {
  readonly ports: SandboxPorts;
  readonly detection: PortDetection;
  readonly printed: PrintedUrls;
  readonly actions: PortActions;
  /** VS Code's state for the workspace. */
  readonly memory: vscode.Memento;
}

/** Offers each detected port once. */
export class PortOffers {
  readonly #options: PortOffersOptions;
  /** By sandbox ID: the ports that were offered. */
  readonly #offered = new Map<string, Set<number>>();

  constructor(options: PortOffersOptions) {
    this.#options = options;
  }

  /** Offers the ports of a sandbox that weren't offered yet. */
  consider(sandboxId: string): void {
    const { detection, printed } = this.#options;
    const offered = this.#offered.get(sandboxId) ?? new Set();
    this.#offered.set(sandboxId, offered);
    for (const each of detection.in(sandboxId)) {
      if (offered.has(each.port) || this.#declined.includes(each.port)) continue;
      if (each.port >= FIRST_RANDOM_PORT && !printed.of(sandboxId, each.port)) continue;
      offered.add(each.port);
      void this.#offer(each).catch(logError);
    }
  }

  forget(sandboxId: string): void {
    this.#offered.delete(sandboxId);
  }

  async #offer(detected: DetectedPort): Promise<void> {
    const { ports, actions } = this.#options;
    const { autoForward } = readSettings().ports;
    const { label, forward } = await ports.at(detected);
    if (forward || autoForward === 'off') return;
    if (autoForward === 'open') return actions.open(detected);
    const program = label ?? cleanLine(detected.command, MAX_PROGRAM_CHARS);
    const answers = new Map([
      [strings.open(), () => actions.open(detected)],
      [strings.preview(), () => actions.preview(detected)],
      [strings.copyAddress(), () => actions.copy(detected)],
      [strings.dontAsk(), () => this.#decline(detected.port)],
    ]);
    const pressed = await window.showInformationMessage(strings.isListening(program, detected.port), ...answers.keys());
    await answers.get(pressed ?? '')?.();
  }

  get #declined(): number[] {
    return z.array(z.number()).catch([]).parse(this.#options.memory.get(DECLINED_KEY));
  }

  async #decline(port: number): Promise<void> {
    await this.#options.memory.update(DECLINED_KEY, [...new Set([...this.#declined, port])]);
  }
}
