import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { isInFolder } from '../../base/inside-folder.ts';
import { writePrivateFile } from '../../base/private-files.ts';
import { AGENT_CLIENTS, type AgentClient, serverEntry, withServer } from '../../mcp/client-config.ts';
import { launchCommand, launcherPath, launcherText } from '../../mcp/launcher.ts';
import { policyTemplate } from '../../mcp/policy.ts';
import { STORED_PREFIX } from '../../modal/accounts.ts';
import { activeFolder, requireFolder, requireTrust } from '../common/folders.ts';
import { window } from '../common/window.ts';
import type { AgentsDependencies } from './dependencies.ts';
import { strings } from './strings.ts';
import { writeUserSettings } from './user-settings.ts';

/** `modal.connectAgent`: adds the MCP server to the file of a client in the folder, after showing the change. */
export async function connectAgent(dependencies: AgentsDependencies): Promise<void> {
  requireTrust();
  const folder = requireFolder(activeFolder()).uri.fsPath;
  const client = await chooseClient();
  if (!client) return;
  const { account, storagePath } = dependencies;
  if (account.choice.startsWith(STORED_PREFIX)) throw new UserError(strings.tokenOfEditor());
  const path = join(folder, client.path);
  if (!isInFolder(folder, path)) throw new UserError(strings.leadsOutside(client.path));
  const launch = launchCommand({ editor: process.execPath, storagePath }, [
    ...client.args,
    ...(account.choice ? ['--account', account.choice] : []),
  ]);
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const text = withServer(client, before, launch);
  await writeLauncher(dependencies);
  if (text === before) {
    await offerFiles(strings.alreadyConnected(client.path), path, dependencies);
    return;
  }
  const detail = strings.addEntryDetail(serverEntry(client, launch));
  const add = strings.add();
  if ((await window.showInformationMessage(strings.addEntry(client.path), { modal: true, detail }, add)) !== add)
    return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await offerFiles(strings.connected(client.label, client.path), path, dependencies);
}

async function chooseClient(): Promise<AgentClient | undefined> {
  const items = AGENT_CLIENTS.map((client) => ({ label: client.label, description: client.path, client }));
  const options = { title: strings.connectTitle(), placeHolder: strings.chooseClient() };
  return (await window.showQuickPick(items, options))?.client;
}

async function offerFiles(message: string, path: string, { policyPath }: AgentsDependencies): Promise<void> {
  const [show, open] = [strings.showPermissions(), strings.openFile()];
  const pressed = await window.showInformationMessage(message, show, open);
  if (pressed === open) await vscode.window.showTextDocument(vscode.Uri.file(path));
  if (pressed !== show) return;
  if (!existsSync(policyPath)) await writePrivateFile(policyPath, policyTemplate(strings.policyHeader()));
  await vscode.window.showTextDocument(vscode.Uri.file(policyPath));
}

/** Writes the program that clients start, and what it needs to know. */
async function writeLauncher(dependencies: AgentsDependencies): Promise<void> {
  const { extensionPath, storagePath } = dependencies;
  const text = launcherText({ editor: process.execPath, extensionPath, storagePath });
  await writePrivateFile(launcherPath(storagePath), text);
  await writeUserSettings(dependencies);
}

/** Updates what changes with the editor, the extension, and the settings. Does nothing if no agent was connected. */
export async function refreshLauncher(dependencies: AgentsDependencies): Promise<void> {
  if (existsSync(launcherPath(dependencies.storagePath))) await writeLauncher(dependencies);
}
