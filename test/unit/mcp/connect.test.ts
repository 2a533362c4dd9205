import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AGENT_CLIENTS, serverEntry, withServer } from '../../../src/mcp/client-config.ts';
import { launchCommand, launcherPath, launcherText } from '../../../src/mcp/launcher.ts';
import { readPolicy } from '../../../src/mcp/policy.ts';

describe('Connecting agents', () => {
  const [standard, cursor, codex] = AGENT_CLIENTS;
  assert.ok(standard && cursor && codex);
  const launch = { command: '/bin/sh', args: ['/a "b"/launch.sh'] };

  it('adds or replaces the server in files of clients, and keeps the rest', () => {
    const text = '{\n  // mine\n  "mcpServers": {\n    "other": { "command": "x" }\n  },\n  "inputs": []\n}\n';
    const added = withServer(standard, text, { command: 'old', args: [] });
    const replaced = withServer(standard, added, launch);
    assert.ok(replaced.startsWith('{\n  // mine\n'), replaced);
    assert.deepEqual(JSON.parse(replaced.replace('// mine', '')), {
      mcpServers: { other: { command: 'x' }, 'modal-sandboxes': launch },
      inputs: [],
    });
    assert.deepEqual(JSON.parse(serverEntry(cursor, launch)), { mcpServers: { 'modal-sandboxes': launch } });
    assert.throws(() => withServer(standard, '{ "mcpServers": ', launch), /\.mcp\.json can't be read/);

    const toml =
      '# mine\nmodel = "x"\n\n[mcp_servers.modal-sandboxes]\ncommand = "old"\n\n[mcp_servers.modal-sandboxes.env]\nA = "1"\n\n[mcp_servers.other]\ncommand = "y"\n';
    const written = withServer(codex, toml, launch);
    assert.ok(written.startsWith('# mine\nmodel = "x"\n\n[mcp_servers.other]\ncommand = "y"\n'), written);
    assert.ok(!/old|A = /.test(written));
    assert.equal(withServer(codex, written, launch), written);
    assert.throws(() => withServer(codex, 'mcp_servers = { modal-sandboxes = {} }\n', launch), /Add the entry/);
    assert.throws(() => withServer(codex, 'a = [\n', launch), /config\.toml can't be read/);
  });

  it('starts the newest version of the extension, with what the editor remembers', function () {
    if (process.platform === 'win32') this.skip();
    const folder = mkdtempSync(join(tmpdir(), "mcp launcher's "));
    const storage = join(folder, 'storage');
    const version = (name: string, seconds: number) => {
      const path = join(folder, 'extensions', `pub.ext-${name}`);
      mkdirSync(join(path, 'dist'), { recursive: true });
      const bundle = join(path, 'dist', 'mcp.cjs');
      writeFileSync(
        bundle,
        `console.log(JSON.stringify(['${name}', process.env.ELECTRON_RUN_AS_NODE, ...process.argv.slice(2)]))`,
      );
      utimesSync(bundle, seconds, seconds);
      return path;
    };
    const old = version('1.9.0', 1_000);
    version('1.10.0', 2_000);
    version('1.8.0', 500);
    mkdirSync(join(storage, 'mcp'), { recursive: true });
    const expected = (name: string) => [name, '1', '--state', storage, '--folder', 'a b'];
    const started = (platform: NodeJS.Platform, editor: string) => {
      const programs = { editor, extensionPath: old, storagePath: storage };
      writeFileSync(launcherPath(storage, platform), launcherText(programs, platform));
      const { command, args, env } = launchCommand(programs, ['--folder', 'a b'], platform);
      return JSON.parse(execFileSync(command, args, { stdio: 'pipe', env: { ...process.env, ...env } }).toString());
    };
    for (const platform of ['linux', 'win32'] as const)
      assert.deepEqual(started(platform, process.execPath), expected('1.9.0'), platform);
    rmSync(old, { recursive: true });
    for (const platform of ['linux', 'win32'] as const)
      assert.deepEqual(started(platform, process.execPath), expected('1.10.0'), platform);
    assert.deepEqual(started('linux', join(folder, 'no-editor')), expected('1.10.0'));
    rmSync(join(folder, 'extensions'), { recursive: true });
    for (const platform of ['linux', 'win32'] as const)
      assert.throws(() => started(platform, process.execPath), /no longer installed/);
    rmSync(folder, { recursive: true });
  });

  it('reads what the user allows, and says what is wrong in the file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-policy-'));
    const path = join(folder, 'agents.json');
    const { allow, sandbox } = await readPolicy(path);
    assert.deepEqual([sandbox, Object.values(allow).some(Boolean)], ['fork', false]);
    writeFileSync(path, '{\n  // mine\n  "budgetUsd": 2,\n  "allow": { "pull": true },\n}');
    const read = await readPolicy(path);
    assert.deepEqual([read.budgetUsd, read.allow.pull, read.allow.start], [2, true, false]);
    writeFileSync(path, '{ "allow": { "everything": true } }');
    await assert.rejects(readPolicy(path), /everything/);
    rmSync(folder, { recursive: true });
  });
});
