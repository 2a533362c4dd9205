import * as vscode from 'vscode';
import { targetName } from '../../channel/channels.ts';
import type { Forwards } from '../../channel/forwards.ts';
import { runningSandboxes, type SandboxSummary, sandboxLabel, sharedPortUrl } from '../../modal/sandbox-list.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { waiting } from '../common/progress.ts';
import { shown } from '../common/report.ts';
import { window } from '../common/window.ts';
import type { KeptForwards } from './kept-forwards.ts';
import { type PortPlace, parseTarget, portNumber, type SandboxPorts } from './sandbox-ports.ts';
import { strings } from './strings.ts';

const STATUS_MS = 3_000;

export interface PortActionsOptions {
  readonly ports: SandboxPorts;
  readonly forwards: Forwards;
  readonly sessions: Sessions;
  readonly kept: KeptForwards;
}

/** What users can do with the ports of a sandbox. Errors are shown. */
export class PortActions {
  readonly #options: PortActionsOptions;

  constructor(options: PortActionsOptions) {
    this.#options = options;
  }

  /** `modal.openForwardedPort`: opens a port in the browser, and forwards it if needed. `path` starts with a slash. */
  async open(place: PortPlace, path?: string): Promise<void> {
    await shown(async () => {
      await vscode.env.openExternal(vscode.Uri.parse(await this.#addressOf(place, path), true));
    });
  }

  /** `modal.previewPort`: shows a port in an editor, and forwards it if needed. */
  async preview(place: PortPlace): Promise<void> {
    await shown(async () => {
      await vscode.commands.executeCommand('simpleBrowser.show', await this.#addressOf(place));
    });
  }

  /** `modal.copyForwardedAddress`: copies the address of a port, and forwards it if needed. */
  async copy(place: PortPlace): Promise<void> {
    await shown(async () => {
      const address = await this.#addressOf(place);
      await vscode.env.clipboard.writeText(address);
      window.setStatusBarMessage(strings.copied(address), STATUS_MS);
    });
  }

  /** `modal.stopForwarding` */
  stop({ sandboxId, target }: PortPlace): void {
    const { forwards, kept } = this.#options;
    void kept.remove({ sandboxId, target });
    for (const each of forwards.in(sandboxId)) if (targetName(each.target) === targetName(target)) forwards.stop(each);
  }

  /** `modal.forwardPort`: asks for a port of a sandbox, the only one that is running unless a row says which, and forwards it. */
  async forward(row?: SandboxSummary): Promise<void> {
    await shown(async () => {
      const sandboxId = row?.id ?? (await this.#chooseSandbox());
      const text = sandboxId && (await this.#askForTarget(sandboxId));
      const target = text && parseTarget(text);
      if (!sandboxId || !target) return;
      const place = { sandboxId, target };
      const { localPort } = await waiting(strings.forwarding(), () => this.#options.ports.forward(place));
      const answers = new Map([
        [strings.open(), () => this.open(place)],
        [strings.preview(), () => this.preview(place)],
        [strings.copyAddress(), () => this.copy(place)],
      ]);
      const message = strings.forwarded(targetName(target), `localhost:${localPort}`);
      void window.showInformationMessage(message, ...answers.keys()).then((pressed) => answers.get(pressed ?? '')?.());
    });
  }

  /** `modal.sharePort`: copies a link to the HTTP server on a port, after a confirmation. */
  async share({ sandboxId, port }: { readonly sandboxId: string; readonly port: number }): Promise<void> {
    await shown(async () => {
      const { client, app, account } = await this.#options.sessions.connection();
      const listed = await waiting(strings.listing(), () => runningSandboxes(client, app, {}));
      const end = listed.find(({ id }) => id === sandboxId)?.endsAt;
      if (!end) return void window.showInformationMessage(strings.sandboxStopped());
      const until = end.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
      const detail = account.isLocal ? strings.shareLocallyDetail(until) : strings.shareDetail(until);
      const action = strings.copyLink();
      if ((await window.showWarningMessage(strings.shareQuestion(port), { modal: true, detail }, action)) !== action)
        return;
      const link = await waiting(strings.sharing(), () => sharedPortUrl(client, sandboxId, port));
      await vscode.env.clipboard.writeText(link);
      window.setStatusBarMessage(strings.linkCopied(until), STATUS_MS);
    });
  }

  async #chooseSandbox(): Promise<string | undefined> {
    const running = await waiting(strings.listing(), async () => {
      const { client, app } = await this.#options.sessions.connection();
      return runningSandboxes(client, app, {});
    });
    if (running.length === 0) void window.showInformationMessage(strings.noSandbox());
    if (running.length < 2) return running[0]?.id;
    const items = running.map((each) => ({ label: sandboxLabel(each), description: each.id, id: each.id }));
    return (await window.showQuickPick(items, { placeHolder: strings.chooseSandbox() }))?.id;
  }

  async #askForTarget(sandboxId: string): Promise<string | undefined> {
    const listed = await this.#options.ports.in(sandboxId);
    const first = listed.find(({ forward, target }) => !forward && 'port' in target);
    return window.showInputBox({
      title: strings.forwardTitle(),
      prompt: strings.forwardPrompt(),
      value: first ? String(portNumber(first.target)) : '',
      validateInput: (text) => (parseTarget(text) ? undefined : strings.notATarget()),
    });
  }

  /** Returns the address of a forwarded port for the browser, which may run on another computer than the extension. */
  async #addressOf(place: PortPlace, path?: string): Promise<string> {
    const { ports } = this.#options;
    const forward = await waiting(strings.forwarding(), () => ports.forward(place));
    const { origin, ...url } = partsOf(ports.urlOf(forward));
    const external = await vscode.env.asExternalUri(vscode.Uri.parse(origin, true));
    return `${external.toString().replace(/\/$/, '')}${path ?? url.path}`;
  }
}

function partsOf(url: string): { origin: string; path: string } {
  const { origin } = new URL(url);
  return { origin, path: url.slice(origin.length) };
}
