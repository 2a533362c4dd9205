import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Account } from '../../../src/modal/accounts.ts';
import { terminateSandbox } from '../../../src/modal/sandboxes.ts';
import { type RunRequest, runRequest } from '../../../src/run/request.ts';
import type { RunResult } from '../../../src/run/result.ts';
import { Run } from '../../../src/run/run.ts';
import type { ProgramCandidate } from '../../../src/run/runners.ts';
import { strings } from '../../../src/run/strings.ts';
import { FolderSyncs } from '../../../src/sandboxes/folder-syncs.ts';
import { MachineState } from '../../../src/sandboxes/machine-state.ts';
import { Permissions } from '../../../src/sandboxes/permissions/permissions.ts';
import { PermissionStore } from '../../../src/sandboxes/permissions/store.ts';
import { syncConsent } from '../../../src/sandboxes/permissions/sync-consent.ts';
import type { Sessions } from '../../../src/sandboxes/sessions.ts';
import { REMOTE_ROOT } from '../../../src/sync/options.ts';
import type { Ask } from '../../../src/sync/push/questions.ts';
import { strings as syncStrings } from '../../../src/sync/strings.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';

const shell: readonly ProgramCandidate[] = [{ argv: ['bash'] }];

describe('Run on Local Modal', () => {
  let server: RunningLocalModal;
  let account: Account;
  let sessions: Sessions;
  let syncs: FolderSyncs;
  let path: string;
  let storage: string;
  let questions: string[];
  const ask: Ask = ({ kind }) => {
    questions.push(kind);
    return true;
  };

  before(async () => {
    server = await startLocalModal({ tokens: ['ak-test:as-test', 'ak-other:as-test'] });
    account = accountOf(server);
  });
  after(() => server.stop());

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'run-test-'));
    storage = await mkdtemp(join(tmpdir(), 'run-test-storage-'));
    questions = [];
    syncs = new FolderSyncs({ storageDir: () => storage, rules: () => ({}), isLocal: () => true });
    sessions = sessionsOf(starterOf(() => account));
  });
  afterEach(async () => {
    await Promise.all([sessions.dispose(), syncs.dispose()]);
    await Promise.all([path, storage].map((folder) => rm(folder, { recursive: true })));
  });

  function start(file: string, { args = [], ...rest }: Partial<RunRequest> = {}) {
    const text = { output: '', errors: '', status: '' };
    const decoder = new TextDecoder();
    const request = runRequest({
      folder: { name: 'folder', path },
      label: file,
      programs: shell,
      args: [`${REMOTE_ROOT}/${file}`, ...args],
      ...rest,
    });
    const output = {
      progress: () => {},
      status: (line: string) => (text.status += `${line}\n`),
      stdout: (bytes: Uint8Array) => (text.output += decoder.decode(bytes, { stream: true })),
      stderr: (bytes: Uint8Array) => (text.errors += Buffer.from(bytes).toString()),
    };
    return { run: new Run(request, { sessions, syncs, ask }, output), text };
  }

  async function runToEnd(
    ...args: Parameters<typeof start>
  ): Promise<RunResult & { output: string; errors: string; status: string }> {
    const { run, text } = start(...args);
    return { ...(await run.done), ...text };
  }

  it("prints the program's output and ends with its exit code", async () => {
    await writeFile(join(path, 'a.sh'), 'echo "in $PWD with $1"; exit 3');
    const { exitCode, output, status } = await runToEnd('a.sh', { args: ['it’s'] });
    assert.equal(exitCode, 3);
    assert.equal(output, 'in /workspace with it’s\r\n');
    assert.match(
      status,
      /^Started sandbox sb-\S+ on Local Modal in [\d.]+ m?s\nSynced 1 file \(\d+ B\) in [\d.]+ m?s\n$/,
    );
  });

  it('runs in the folder without .git and the files that .gitignore excludes', async () => {
    await mkdir(join(path, 'sub/.git'), { recursive: true });
    await mkdir(join(path, 'empty'));
    await writeFile(join(path, '.gitignore'), '*.log\n!keep.log\n');
    for (const name of ['a.log', 'keep.log', 'sub/b.log', 'sub/c.txt', 'sub/.git/HEAD'])
      await writeFile(join(path, name), name);
    await writeFile(join(path, 'a.sh'), 'find . -mindepth 1 ! -path "./.modal-sync*" | LC_ALL=C sort');
    const { output } = await runToEnd('a.sh');
    assert.deepEqual(output.trim().split('\r\n'), [
      './.gitignore',
      './a.sh',
      './empty',
      './keep.log',
      './sub',
      './sub/c.txt',
    ]);
  });

  it('uses one sandbox for all runs of a folder', async () => {
    await writeFile(join(path, 'a.sh'), 'cat /tmp/left 2>/dev/null; echo once > /tmp/left');
    const first = await runToEnd('a.sh');
    const second = await runToEnd('a.sh');
    assert.equal(first.output + second.output, 'once\r\n');
    assert.doesNotMatch(second.status, /Started/);
  });

  it('starts another sandbox if the current one has stopped', async () => {
    await writeFile(join(path, 'a.sh'), 'echo fine');
    const first = await runToEnd('a.sh');
    const { client } = await sessions.connection();
    await terminateSandbox(client, /sb-\S+/.exec(first.status)?.[0] ?? '');
    const second = await runToEnd('a.sh');
    assert.equal(second.output, 'fine\r\n');
    assert.match(second.status, /^The sandbox stopped\. Starting a new one\nStarted sandbox/);
  });

  it('sends typed text to the program, including text typed before it started', async () => {
    await writeFile(join(path, 'a.sh'), 'read -r line; echo "got $line"');
    const { run, text } = start('a.sh');
    run.write('early\r');
    await run.done;
    assert.match(text.output, /got early\r\n$/);
  });

  it('passes on bytes unchanged, including colors and split characters', async () => {
    await writeFile(join(path, 'a.sh'), "printf '\\033[31mr\\303'; sleep 0.2; printf '\\251\\033[0m'");
    const { output } = await runToEnd('a.sh');
    assert.equal(output, '\u001b[31mré\u001b[0m');
  });

  it('keeps stdout and stderr separate without a terminal', async () => {
    await writeFile(join(path, 'a.sh'), 'test -t 1 || echo no terminal; echo wrong >&2');
    const { exitCode, output, errors } = await runToEnd('a.sh', { pty: false });
    assert.deepEqual({ exitCode, output, errors }, { exitCode: 0, output: 'no terminal\n', errors: 'wrong\n' });
  });

  it('runs in the working directory and with the variables of the request', async () => {
    await mkdir(join(path, 'sub'));
    await writeFile(join(path, 'a.sh'), 'pwd; echo "$GREETING"');
    const { output } = await runToEnd('a.sh', { cwd: 'sub', env: { GREETING: 'it’s "me"' } });
    assert.equal(output, '/workspace/sub\r\nit’s "me"\r\n');
  });

  it('sends nothing if the request says not to sync', async () => {
    await writeFile(join(path, 'a.sh'), 'true');
    await runToEnd('a.sh');
    await writeFile(join(path, 'b.sh'), 'true');
    const { exitCode, status } = await runToEnd('b.sh', { sync: false });
    assert.notEqual(exitCode, 0);
    assert.equal(status, '');
  });

  it('sends only changes, including deletions, without an extra call', async () => {
    await writeFile(join(path, 'a.sh'), 'cat *.txt; rm -f made; touch made');
    for (const name of ['1.txt', '2.txt', '3.txt']) await writeFile(join(path, name), `${name}\n`);
    await runToEnd('a.sh');

    await server.control.resetCalls();
    assert.match((await runToEnd('a.sh')).status, /^Up to date/);
    const nothingChanged = await server.control.calls();

    await writeFile(join(path, '1.txt'), 'changed\n');
    await rm(join(path, '2.txt'));
    await writeFile(join(path, '4.txt'), 'four\n');
    await server.control.resetCalls();
    const { output, status } = await runToEnd('a.sh');
    assert.equal(output, 'changed\r\n3.txt\r\nfour\r\n');
    assert.match(status, /^Synced 2 files \(13 B\), 1 deletion in/);
    assert.deepEqual(await server.control.calls(), nothingChanged);

    await server.control.resetCalls();
    const bare = await (await sessions.acquire({ name: 'folder', path })).sandbox.exec(['true'], { pty: true });
    await bare.stdout.readText();
    await bare.wait();
    assert.deepEqual(await server.control.calls(), nothingChanged, 'makes as many calls as a plain exec of the SDK');
  });

  it('runs a program to its end after an attempt that met other files than expected', async () => {
    await writeFile(join(path, 'a.sh'), 'sleep 1.2; echo done');
    await writeFile(join(path, 'b.sh'), 'echo other > .modal-sync/gen');
    await runToEnd('b.sh');
    // What ends the first attempt comes late.
    await server.control.addFault({ method: 'TaskExecStart', skip: 2, times: 1, delayMs: 700 });
    const { exitCode, output } = await runToEnd('a.sh');
    await server.control.clearFaults();
    assert.deepEqual([exitCode, output], [0, 'done\r\n']);
  });

  it("asks before the first sync to a sandbox that isn't on this computer, and sends nothing without a yes", async () => {
    await writeFile(join(path, 'a.sh'), 'echo here');
    const permissions = new Permissions(new PermissionStore(new MachineState(join(storage, 'machine'))), () => {
      throw new Error('The profile asks for nothing.');
    });
    await syncs.dispose();
    syncs = new FolderSyncs({
      storageDir: () => storage,
      rules: () => ({}),
      isLocal: () => true,
      consent: (folder, recipient) => syncConsent(permissions, path, folder, recipient),
    });
    await runToEnd('a.sh');
    assert.deepEqual(questions, [], 'Local Modal is on this computer');
    const { isLocal: _, ...elsewhere } = account;
    let own: Account = elsewhere;
    const other = sessionsOf(starterOf(() => own));
    const request = runRequest({ folder: { name: 'folder', path }, label: 'a', programs: shell, args: ['-c', 'true'] });
    const silent = { status: () => {}, progress: () => {}, stdout: () => {}, stderr: () => {} };
    const asked: string[] = [];
    let answer = false;
    const services = {
      sessions: other,
      syncs,
      ask: ({ kind }: { kind: string }) => {
        asked.push(kind);
        return answer;
      },
    };
    const { error } = await new Run(request, services, silent).done;
    assert.deepEqual(asked, ['first-sync']);
    assert.equal(error, syncStrings.syncDeclined());

    answer = true;
    const agreed = await new Run(request, services, silent).done;
    assert.deepEqual([agreed.exitCode, asked], [0, ['first-sync', 'first-sync']], 'asks again, but only once');
    assert.ok((agreed.costUsd ?? 0) > 0, 'a run elsewhere has a cost');

    await other.dispose();
    await new Run(request, services, silent).done;
    assert.equal(asked.length, 2, 'the answer holds for the next sandbox in this account');
    own = { ...elsewhere, tokenId: 'ak-other' };
    await new Run(request, services, silent).done;
    assert.equal(asked.length, 3, 'but not for another account');
    await other.dispose();
  });

  it('runs folders of a workspace in parallel, each in its own sandbox', async () => {
    const second = await mkdtemp(join(tmpdir(), 'run-test-second-'));
    await writeFile(join(path, 'a.sh'), 'ls -1; echo "$MODAL_SANDBOX_ID"');
    await writeFile(join(second, 'a.sh'), 'ls -1; echo "$MODAL_SANDBOX_ID"');
    await writeFile(join(second, 'only-second'), '');
    const [one, other] = await Promise.all([
      runToEnd('a.sh'),
      runToEnd('a.sh', { folder: { name: 'second', path: second } }),
    ]);
    assert.match(one.output, /^a\.sh\r\nsb-\S+\r\n$/);
    assert.match(other.output, /^a\.sh\r\nonly-second\r\nsb-\S+\r\n$/);
    assert.notEqual(one.sandboxId, other.sandboxId);
    await rm(second, { recursive: true });
  });

  it("doesn't send files that look like credentials, and says so", async () => {
    await writeFile(join(path, '.env'), 'SECRET=1');
    await writeFile(join(path, 'a.sh'), 'ls -A');
    const { output, status } = await runToEnd('a.sh');
    assert.doesNotMatch(output, /\.env/);
    assert.ok(status.includes(strings.credentialsNotSent('.env')), status);
  });

  it("runs in a working directory that the same command syncs, and names one that doesn't exist", async () => {
    await writeFile(join(path, 'a.sh'), 'pwd');
    await runToEnd('a.sh');
    await mkdir(join(path, 'new'));
    await writeFile(join(path, 'new/b.txt'), '');
    assert.equal((await runToEnd('a.sh', { cwd: 'new' })).output, '/workspace/new\r\n');
    const { error } = await runToEnd('a.sh', { cwd: 'gone' });
    assert.equal(error, strings.folderNotInSandbox('/workspace/gone'));
  });

  it('reports where its time went, and no cost on Local Modal', async () => {
    await writeFile(join(path, 'a.sh'), 'echo late');
    const { timings, costUsd, sandboxId } = await runToEnd('a.sh');
    assert.ok(timings?.firstOutputMs !== undefined && timings.firstOutputMs <= timings.runMs);
    assert.ok(timings.startMs > 0 && timings.syncMs > 0);
    assert.equal(costUsd, undefined);
    assert.match(sandboxId ?? '', /^sb-/);
  });

  it('explains that the command is too long, and runs the next one', async () => {
    await writeFile(join(path, 'a.sh'), 'echo $#');
    for (const args of [['x'.repeat(70_000)], Array.from({ length: 700 }, () => 'y'.repeat(100)), ["'".repeat(61_000)]])
      assert.equal((await runToEnd('a.sh', { args })).error, strings.commandTooLong(60_000));
    const { exitCode, output } = await runToEnd('a.sh', { args: ['z'.repeat(20_000)] });
    assert.deepEqual([exitCode, output], [0, '1\r\n']);
  });

  it('sends changes before a command that is too long together with them', async () => {
    await writeFile(join(path, 'a.sh'), 'echo $# $(wc -c < data)');
    await writeFile(join(path, 'data'), '');
    await runToEnd('a.sh');
    for (const [argChars, bytes] of [
      [20_000, 25_000],
      [40_000, 15_000],
      [56_000, 5_000],
      [56_500, 100],
    ] as const) {
      await writeFile(join(path, 'data'), randomBytes(bytes));
      const { error, output } = await runToEnd('a.sh', { args: ['z'.repeat(argChars)] });
      assert.deepEqual([error, output], [undefined, `1 ${bytes}\r\n`], String(argChars));
    }
  });

  it('explains that no interpreter is installed', async () => {
    await writeFile(join(path, 'a.x'), '');
    const { error, exitCode, output } = await runToEnd('a.x', {
      programs: [{ argv: ['no-such'] }, { argv: ['nor-this'] }],
    });
    assert.equal(error, strings.noProgramInstalled('no-such, nor-this'));
    assert.equal(exitCode, undefined);
    assert.equal(output, '');
  });

  it("passes on the program's own exit code 127", async () => {
    await writeFile(join(path, 'a.sh'), 'exit 127');
    assert.deepEqual((await runToEnd('a.sh')).exitCode, 127);
  });

  it("explains that the server can't be reached", async () => {
    account = { ...account, serverUrl: 'http://127.0.0.1:9' };
    try {
      const result = await runToEnd('a.sh');
      assert.ok(result.outcome === 'failed');
      assert.match(result.error, /^Couldn't reach Modal/);
      assert.ok(!result.actions?.includes('signIn'));
    } finally {
      account = { ...account, serverUrl: server.url };
    }
  });

  it('asks for another account if the token is rejected', async () => {
    account = { ...account, tokenSecret: 'as-invalid' };
    try {
      const result = await runToEnd('a.sh');
      assert.ok(result.outcome === 'failed');
      assert.match(result.error, /didn't accept the token/);
      assert.ok(result.actions?.includes('signIn'));
    } finally {
      account = { ...account, tokenSecret: 'as-test' };
    }
  });

  it('explains that the folder no longer exists', async () => {
    await rm(path, { recursive: true });
    const { error } = await runToEnd('a.sh');
    await mkdir(path);
    assert.equal(error, syncStrings.folderMissing(path));
  });
});
