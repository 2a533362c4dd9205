import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { findLocalUrls } from './local-urls.ts';
import type { PortActions } from './port-actions.ts';
import type { PrintedUrls } from './printed-urls.ts';
import { strings } from './strings.ts';

const PROCESS_ID_TIMEOUT_MS = 200;

interface PortLink extends vscode.TerminalLink {
  readonly sandboxId: string;
  readonly port: number;
  readonly path: string;
}

/** Links URLs of `localhost` in the terminals of runs to the ports of their sandboxes. */
export function registerPortLinks(printed: PrintedUrls, actions: PortActions): vscode.Disposable {
  const provider: vscode.TerminalLinkProvider<PortLink> = {
    provideTerminalLinks: async ({ line, terminal }) => {
      const found = findLocalUrls(line).flatMap(({ start, length, port, path }): PortLink[] => {
        const sandboxId = printed.sandboxOf(port);
        if (!sandboxId) return [];
        return [{ startIndex: start, length, tooltip: strings.openLink(), sandboxId, port, path }];
      });
      return found.length > 0 && !(await hasProcess(terminal)) ? found : [];
    },
    handleTerminalLink: ({ sandboxId, port, path }) => actions.open({ sandboxId, target: { port } }, path),
  };
  return vscode.window.registerTerminalLinkProvider(provider);
}

/** Returns whether a program on this computer runs in a terminal. Others have no process ID, a negative one, or one never comes. */
async function hasProcess({ processId }: vscode.Terminal): Promise<boolean> {
  const id = await Promise.race([processId, sleep(PROCESS_ID_TIMEOUT_MS)]);
  return id !== undefined && id > 0;
}
