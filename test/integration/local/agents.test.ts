import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import * as vscode from 'vscode';
import { offerServers } from '../../../src/providers/agents/server-definitions.ts';
import { strings } from '../../../src/providers/agents/strings.ts';
import { activate, answering, writeWorkspaceFile } from '../extension-under-test.ts';

describe('Agents', () => {
  it("the editor's own are offered a server for each folder, once an account is chosen", async () => {
    const { lm } = vscode;
    const { registerMcpServerDefinitionProvider: register } = lm;
    let provider: vscode.McpServerDefinitionProvider<vscode.McpStdioServerDefinition> | undefined;
    const account = {
      choice: 'local',
      isChosen: false,
      onDidChange: () => ({ dispose: () => {} }),
      current: () => Promise.reject(new Error('No account is needed.')),
    };
    const extension = vscode.extensions.getExtension('modal-sandboxes.modal-sandboxes');
    assert.ok(extension);
    const storagePath = await mkdtemp(join(tmpdir(), 'agents-'));
    const paths = { storagePath, extensionPath: extension.extensionPath, policyPath: '' };
    // The extension has registered its own at its start.
    Object.assign(lm, {
      registerMcpServerDefinitionProvider(_: string, offered: NonNullable<typeof provider>) {
        provider = offered;
        return { dispose: () => {} };
      },
    });
    const offer = offerServers({ account, ...paths, version: '1.0.0', settings: ['modal.account'] });
    Object.assign(lm, { registerMcpServerDefinitionProvider: register });
    const { token } = new vscode.CancellationTokenSource();
    assert.deepEqual(await provider?.provideMcpServerDefinitions(token), []);
    account.isChosen = true;
    const [definition, ...others] = (await provider?.provideMcpServerDefinitions(token)) ?? [];
    assert.ok(definition);
    const started = await provider?.resolveMcpServerDefinition?.(definition, token);
    const { command, args = [], env } = started ?? definition;
    assert.deepEqual([others.length, command, env], [0, process.execPath, { ELECTRON_RUN_AS_NODE: '1' }]);
    assert.ok(existsSync(args[0] ?? ''), args[0]);
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    assert.deepEqual(args.slice(1), ['--folder', folder, '--state', storagePath, '--account', 'local']);
    const settings = await readFile(join(storagePath, 'mcp', 'settings.json'), 'utf8');
    assert.deepEqual(JSON.parse(settings), { 'modal.account': 'local' });
    offer.dispose();
    await rm(storagePath, { recursive: true });
  });

  it('are connected by an entry in the file of their program, which is shown first, with what the window knows', async () => {
    await activate();
    const others = { inputs: [], mcpServers: { other: { command: 'x' } } };
    const { fsPath: path } = await writeWorkspaceFile('.mcp.json', JSON.stringify(others));
    const connect = (answers: Parameters<typeof answering>[0]) =>
      answering(answers, async () => vscode.commands.executeCommand('modal.connectAgent'));
    const declined = await connect({ showQuickPick: 'Claude Code' });
    assert.ok(declined.messages.includes(strings.addEntry('.mcp.json')));
    assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), others);
    await connect({ showQuickPick: 'Claude Code', showInformationMessage: strings.add() });
    const { inputs, mcpServers } = JSON.parse(await readFile(path, 'utf8'));
    assert.deepEqual([inputs, mcpServers.other], [[], { command: 'x' }]);
    const again = await connect({ showQuickPick: 'Claude Code' });
    assert.deepEqual(again.messages, [strings.alreadyConnected('.mcp.json')]);

    const client = new Client({ name: 'tester', version: '1.0.0' });
    const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    const server = { ...mcpServers['modal-sandboxes'], cwd, env: process.env as Record<string, string> };
    await client.connect(new StdioClientTransport(server));
    const ran = await client.callTool({ name: 'sandbox_run', arguments: { shell: 'echo "on $(uname)"' } });
    assert.match(JSON.stringify(ran.content), /on Linux/);
    const status = await client.callTool({ name: 'sandbox_status' });
    assert.match(JSON.stringify(status.content), /Account: Local Modal/);
    await client.close();
    await rm(path);
  });
});
