import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import * as vscode from 'vscode';
import { strings } from '../../../src/providers/agents/strings.ts';
import { activate, answering, writeWorkspaceFile } from '../extension-under-test.ts';

describe('Connecting an agent', () => {
  it('adds the server to the file of a client after showing it, and that server knows what the window does', async () => {
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
