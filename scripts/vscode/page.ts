/** VS Code's workbench in a page of the headless browser. */
import { format } from 'node:util';
import type { Page } from 'playwright-core';
import type { LaunchFlags } from './flags.ts';
import { isWorkspaceFile } from './server.ts';

/** Returns the address that opens the flags' folder with their extensions in development, and runs their tests. */
export function pageAddress(authority: string, flags: LaunchFlags): string {
  const remote = (path: string) => `vscode-remote://${authority}${new URL(`file://${path}`).pathname}`;
  const payload: [string, string][] = [
    ...flags.extensionDevelopmentPaths.map((path): [string, string] => ['extensionDevelopmentPath', remote(path)]),
    ...(flags.extensionTestsPath
      ? [['extensionTestsPath', remote(flags.extensionTestsPath)] satisfies [string, string]]
      : []),
    ['skipWelcome', 'true'],
  ];
  const address = new URL(`http://${authority}/`);
  if (flags.folder) address.searchParams.set(isWorkspaceFile(flags.folder) ? 'workspace' : 'folder', flags.folder);
  address.searchParams.set('payload', JSON.stringify(payload));
  return address.href;
}

/**
 * Loads the address, waits without a time limit until the tests finish, and returns their exit code. `print` receives the
 * console lines of the extension host.
 */
export async function runTestsInPage(page: Page, address: string, print: (line: string) => void): Promise<number> {
  const ended = new Promise<number>((resolve, reject) => {
    page.exposeFunction('codeAutomationExit', (code: number) => resolve(code)).catch(reject);
    page.once('crash', () => reject(new Error('The browser page that shows VS Code crashed.')));
    page.once('close', () => reject(new Error('The browser page that shows VS Code was closed.')));
  });
  ended.catch(() => {});
  await page.exposeFunction('codeAutomationLog', (_level: string, args: unknown[]) => print(format(...args)));
  await page.goto(address, { waitUntil: 'commit', timeout: 60_000 });
  return ended;
}
