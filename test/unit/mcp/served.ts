/** Serves an agent over stdio, with the services of tests. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from '../../../src/mcp/agent.ts';
import { readPolicy } from '../../../src/mcp/policy.ts';
import { serve } from '../../../src/mcp/serve.ts';
import { Redaction } from '../../../src/run/records/redaction.ts';
import { fileRequest } from '../../../src/run/request.ts';
import { runnerOf } from '../../../src/run/runners.ts';
import { FolderSyncs } from '../../../src/sandboxes/folder-syncs.ts';
import { Snapshots } from '../../../src/snapshots/snapshots.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';

const { url, folder: path, policy, isBilled } = JSON.parse(process.argv[2] ?? '{}');
const storage = mkdtempSync(join(tmpdir(), 'mcp-test-storage-'));
const account = { ...accountOf({ url }), ...(isBilled && { isLocal: false }) };
const sessions = sessionsOf(starterOf(() => account));
const syncs = new FolderSyncs({ storageDir: () => storage, rules: () => ({}), isLocal: () => !isBilled });
const folder = { name: 'folder', path };
const host = {
  folder,
  services: { sessions, syncs, ask: () => undefined },
  snapshots: new Snapshots(async () => (await sessions.connection()).client),
  fileRequest: async (file: string, args: readonly string[]) => {
    const runner = runnerOf({ name: file, languageId: 'shellscript', text: '' });
    if (!runner) throw new Error('no runner');
    return fileRequest(folder, file, runner, args);
  },
  redaction: async () => new Redaction(['s3cret-value']),
};
const open = async (client: string) => {
  const { sandbox: mode, profile, budgetUsd, idleTimeoutMinutes, maxSandboxes } = await readPolicy(policy);
  const options = { client, mode, profile, budgetUsd, idleTimeoutMs: idleTimeoutMinutes * 60_000, maxSandboxes };
  return new Agent(host, options, { path: policy, read: () => readPolicy(policy) });
};
await serve('0.0.0', open, async () => {
  await Promise.all([sessions.dispose(), syncs.dispose()]);
});
process.exit(0);
