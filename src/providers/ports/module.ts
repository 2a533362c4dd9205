import * as vscode from 'vscode';
import type { RunOutputEvent } from '../../api/api.ts';
import { MINUTE_MS } from '../../base/clock.ts';
import { logError } from '../../base/log.ts';
import type { Channels } from '../../channel/channels.ts';
import type { Forwards } from '../../channel/forwards.ts';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import { HEARTBEAT_INTERVAL_MS } from '../../run/control.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import type { SandboxStarter } from '../../sandboxes/sandbox-starter.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { registerCommands } from '../common/commands.ts';
import { showError } from '../common/report.ts';
import { onDidChangeSettings, readSettings } from '../common/settings.ts';
import { KeptForwards } from './kept-forwards.ts';
import { PortActions } from './port-actions.ts';
import { PortDetection } from './port-detection.ts';
import { registerPortLinks } from './port-links.ts';
import { PortOffers } from './port-offers.ts';
import { PrintedUrls } from './printed-urls.ts';
import { type PortPlace, portNumber, SandboxPorts } from './sandbox-ports.ts';

export interface PortsModuleDependencies {
  readonly channels: Channels;
  readonly forwards: Forwards;
  readonly sessions: Sessions;
  readonly starter: SandboxStarter;
  readonly commands: RunningCommands;
  /** VS Code's state for the workspace. */
  readonly memory: vscode.Memento;
  readonly onDidWriteOutput: vscode.Event<RunOutputEvent>;
}

export interface PortsModule extends vscode.Disposable {
  readonly ports: SandboxPorts;
}

/** Ports of sandboxes that only this computer can reach: detects, offers, and forwards them. */
export function portsModule(dependencies: PortsModuleDependencies): PortsModule {
  const { channels, forwards, sessions, starter, commands, memory, onDidWriteOutput } = dependencies;
  const printed = new PrintedUrls(commands);
  const detection = new PortDetection({
    channels,
    commands,
    isEnabled: () => readSettings().ports.autoForward !== 'off',
    findSandbox: (sandboxId) => sessions.find(sandboxId),
  });
  const kept = new KeptForwards(memory);
  const ports = new SandboxPorts({ sessions, forwards, detection, printed, kept });
  const actions = new PortActions({ ports, forwards, sessions, kept });
  const offers = new PortOffers({ ports, detection, printed, actions, memory });
  const noteUse = setInterval(() => {
    const used = new Set(channels.all.filter(({ streams }) => streams > 0).map(({ sandboxId }) => sandboxId));
    for (const sandboxId of used) void sessions.noteUse(sandboxId).catch(logError);
  }, HEARTBEAT_INTERVAL_MS);
  const disposable = vscode.Disposable.from(
    { dispose: () => clearInterval(noteUse) },
    detection,
    ports,
    detection.onDidChange((sandboxId) => offers.consider(sandboxId)),
    printed.onDidPrint((sandboxId) => offers.consider(sandboxId)),
    onDidWriteOutput((event) => printed.read(event)),
    onDidChangeSettings(() => detection.update(), 'ports'),
    forwards.onDidFail(seldom(MINUTE_MS, showError)),
    starter.onDidEnd((sandboxId) => {
      for (const each of [forwards, printed, offers]) each.forget(sandboxId);
    }),
    sessions.onDidResume(({ fromId, sandboxId }) => void ports.resume(fromId, sandboxId).catch(logError)),
    starter.onDidChangeConnection(() => forwards.stopAll()),
    registerPortLinks(printed, actions),
    registerCommands({
      'modal.forwardPort': (row?: SandboxSummary) => actions.forward(row),
      'modal.openForwardedPort': (place: PortPlace) => actions.open(place),
      'modal.previewPort': (place: PortPlace) => actions.preview(place),
      'modal.copyForwardedAddress': (place: PortPlace) => actions.copy(place),
      'modal.sharePort': (row: PortPlace | { sandboxId: string; port: number }) =>
        actions.share({ sandboxId: row.sandboxId, port: 'port' in row ? row.port : portNumber(row.target) }),
      'modal.stopForwarding': (place: PortPlace) => actions.stop(place),
    }),
  );
  return Object.assign(disposable, { ports });
}

/** Returns a function that passes on an error only if the same one wasn't passed on recently: a page makes many connections. */
function seldom(durationMs: number, report: (error: unknown) => unknown): (error: unknown) => void {
  let last = { message: '', at: 0 };
  return (error) => {
    const message = String(error);
    if (message === last.message && Date.now() - last.at < durationMs) return;
    last = { message, at: Date.now() };
    report(error);
  };
}
