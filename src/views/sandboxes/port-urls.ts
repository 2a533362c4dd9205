import * as vscode from 'vscode';
import type { NamedProfile } from '../../profiles/profiles.ts';
import { publicPorts } from '../../profiles/schema.ts';
import { window } from '../../providers/common/window.ts';
import type { PortRow } from './sandbox-rows.ts';
import { strings } from './strings.ts';

const KNOWN_KEY = 'publicPortsKnown';
const PROFILES_KEY = 'publicPortsOfProfiles';

/** The URLs of sandboxes' ports. Before the first one that is public is used, the user learns that it is. */
export class PortUrls {
  readonly #state: vscode.Memento;
  readonly #urlOf: (row: PortRow) => Promise<string>;

  /** `urlOf` adds what the browser needs to get in. */
  constructor(state: vscode.Memento, urlOf: (row: PortRow) => Promise<string>) {
    this.#state = state;
    this.#urlOf = urlOf;
  }

  /** `modal.openPort`: opens a port in the browser. */
  async open(row: PortRow): Promise<void> {
    if (await this.#accept(row, strings.openInBrowser()))
      await vscode.env.openExternal(vscode.Uri.parse(row.url, true));
  }

  /** `modal.copyPortUrl` */
  async copy(row: PortRow): Promise<void> {
    if (await this.#accept(row, strings.copyUrl())) await vscode.env.clipboard.writeText(await this.#urlOf(row));
  }

  /** Says once for each profile in the user's settings that its ports are public. Those of folders need a permission. */
  async noteStart({ name, profile, origin }: NamedProfile): Promise<void> {
    const ports = publicPorts(profile).map(({ port }) => port);
    if (ports.length === 0) return;
    await this.#state.update(KNOWN_KEY, true);
    const known = this.#state.get<readonly string[]>(PROFILES_KEY, []);
    if (origin !== 'user' || known.includes(name)) return;
    await this.#state.update(PROFILES_KEY, [...known, name]);
    void window.showWarningMessage(strings.publicPortsOf(name, ports.join(', ')));
  }

  async #accept({ port, url }: PortRow, action: string): Promise<boolean> {
    if (!isPublic(url) || this.#state.get(KNOWN_KEY, false)) return true;
    const options = { modal: true, detail: strings.publicPortDetail() };
    if ((await window.showWarningMessage(strings.publicPort(port), options, action)) !== action) return false;
    await this.#state.update(KNOWN_KEY, true);
    return true;
  }
}

/** Ports of Local Modal are on this computer only. */
function isPublic(url: string): boolean {
  return !['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}
