import * as vscode from 'vscode';
import { MINUTE_MS, wallClock } from '../../base/clock.ts';
import type { ActionId } from '../../base/errors.ts';
import { logError } from '../../base/log.ts';
import { formatDuration, formatMinutes } from '../../base/text.ts';
import { type ChildProcess, isOfPython, letRun } from '../../debug/children.ts';
import { DebugSession } from '../../debug/debug-session.ts';
import type { DebugHost, TerminalArguments, TerminalProgram } from '../../debug/host.ts';
import { DEBUG_TYPE } from '../../debug/launch.ts';
import type { Message } from '../../debug/protocol.ts';
import { StopLimit } from '../../debug/stop-limit.ts';
import { explainLogged } from '../../modal/explain/explain.ts';
import { formatUsd } from '../../modal/prices.ts';
import { ProfileSchema } from '../../profiles/schema.ts';
import type { RunRequest } from '../../run/request.ts';
import type { RunFailed } from '../../run/result.ts';
import { billing } from '../../sandboxes/session.ts';
import { showErrorWithActions } from '../common/error-actions.ts';
import { window } from '../common/window.ts';
import { type ChildPlace, channelTo, type DebugServices } from './debug-services.ts';
import { NodeProcesses } from './node-processes.ts';
import { type SessionSource, terminalRun } from './session-sources.ts';
import { strings } from './strings.ts';

/** The adapter of one session, as VS Code sees it: a part of this process that passes messages to the sandbox. */
export class InlineAdapter implements vscode.DebugAdapter, DebugHost {
  readonly source: SessionSource;
  readonly #own: vscode.DebugSession;
  readonly #services: DebugServices;
  readonly #messages = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  readonly #session: DebugSession;
  readonly #limit = new StopLimit({
    clock: wallClock,
    limitMs: () => this.#limitMs(),
    warn: (remainingMs) => this.#warn(remainingMs),
    end: (limitMs) => this.#endIdle(limitMs),
  });
  readonly #processes: NodeProcesses;
  readonly #startedAt = performance.now();
  #price: string | undefined;
  readonly onDidSendMessage = this.#messages.event;

  constructor(own: vscode.DebugSession, source: SessionSource, services: DebugServices) {
    this.#own = own;
    this.source = source;
    this.#services = services;
    this.#processes = new NodeProcesses(own, services);
    this.#session = new DebugSession({
      host: this,
      title: strings.debugging(own.name),
      paths: (sandboxId) => source.paths(sandboxId),
      start: (listener) => source.start(listener),
      capabilities: source.capabilities,
      endsWithTerminal: source.endsWithTerminal,
      startArguments: (said) => source.startArguments(said),
    });
  }

  handleMessage(message: vscode.DebugProtocolMessage): void {
    this.noteUse();
    this.#session.handle(message as Message);
  }

  send(message: Message): void {
    this.#messages.fire(message);
    this.noteSent(message);
  }

  /** Notes that the editor has asked for something, here or in a session of VS Code's own debugger. */
  noteUse(): void {
    this.#limit.noteUse();
  }

  /** Notes a message to the editor, of this session or of one of VS Code's own debugger. */
  noteSent(message: Message): void {
    this.#limit.noteSent(message);
  }

  dispose(): void {
    this.#limit.dispose();
    this.#processes.dispose();
    this.#session.dispose();
  }

  runInTerminal(program: TerminalArguments, sandboxId: string): TerminalProgram {
    const run = this.source.run as RunRequest;
    return this.#services.terminals.open(strings.terminal(run.label), async () => terminalRun(run, program, sandboxId));
  }

  startChild(child: ChildProcess, sandboxId: string): void {
    const { node, run } = this.source;
    if (child.inspector === undefined || !node || !run) this.#startChild(child, sandboxId).catch(logError);
    else
      this.#processes.attach({ child, sandboxId }, run.folder, node).catch((error) => {
        this.#session.fail(explainLogged(error).message);
      });
  }

  whyNotSynced(path: string): Promise<string | undefined> {
    return this.#services.rules.whyNotSynced(vscode.Uri.file(path));
  }

  showFailure(error: string, actions: readonly ActionId[]): void {
    showErrorWithActions(error, actions, { profile: this.#own.configuration.profile });
  }

  installDebugger(python: string, sandboxId: string | undefined): Promise<boolean> {
    return this.#services.installer.offer(python, sandboxId);
  }

  recover({ error }: RunFailed): Promise<boolean> {
    return this.#services.account.recover(error, this.#startedAt);
  }

  /** Says what the time at a breakpoint costs, when the program stops for the first time. */
  async #limitMs(): Promise<number> {
    const profile = (await this.source.profile()) ?? ProfileSchema.parse({});
    const { pricePerHourUsd } = billing(await this.#services.sessions.connection(), profile);
    if (pricePerHourUsd !== undefined) {
      this.#price = formatUsd(pricePerHourUsd);
      this.#session.say(strings.stopped(this.#price, inWords(profile.debugIdleTimeoutMs)));
    }
    return profile.debugIdleTimeoutMs;
  }

  #warn(remainingMs: number): void {
    const keep = strings.keepDebugging();
    const message = strings.endsSoon(this.#own.name, inWords(remainingMs), this.#price);
    void window.showWarningMessage(message, keep).then((pressed) => {
      if (pressed === keep) this.#limit.noteUse();
    });
  }

  #endIdle(limitMs: number): void {
    void vscode.debug.stopDebugging(this.#own);
    void window.showInformationMessage(strings.ended(this.#own.name, inWords(limitMs)));
  }

  async #startChild(child: ChildProcess, sandboxId: string): Promise<void> {
    const place: ChildPlace = { child, sandboxId };
    const channel = await channelTo(place, this.#services);
    // The process waits for a debugger, so one is attached even if it can't be told what the process is.
    const isHidden = await isOfPython(channel, child).catch((error) => logError(error));
    if (isHidden === true) {
      letRun(channel, child);
      return;
    }
    channel.close();
    const config = { type: DEBUG_TYPE, request: 'attach', name: child.name, __child: place };
    const options = { parentSession: this.#own, consoleMode: vscode.DebugConsoleMode.MergeWithParent };
    await vscode.debug.startDebugging(this.#own.workspaceFolder, config, options);
  }
}

/** Formats a limit of time, which is mostly in whole minutes. */
function inWords(ms: number): string {
  return ms < MINUTE_MS ? formatDuration(ms) : formatMinutes(ms);
}
