import assert from 'node:assert/strict';
import { setLog } from '../../../src/base/log.ts';
import { logLine } from '../../../src/base/log-lines.ts';

import { accountKind } from '../../../src/modal/accounts.ts';
import { REMOTE_ROOT } from '../../../src/sync/options.ts';
import { localRuns } from './local-runs.ts';

/** Replaces what differs between two runs. */
function masked(line: string): string {
  return line
    .replaceAll(/\bsb-\w+/g, 'SANDBOX')
    .replaceAll(/\b[\d.]+ (?:ms|s|min|h)\b(?: \d+ (?:s|min)\b)?/g, 'TIME')
    .replace(', first output TIME', '');
}

describe('The log', () => {
  const runs = localRuns();
  let infos: string[];
  let errors: string[];

  beforeEach(() => {
    infos = [];
    errors = [];
    setLog({ info: (line) => infos.push(line), warn: () => {}, error: (text) => errors.push(text) });
  });
  afterEach(() => setLog({ info() {}, warn() {}, error() {} }));

  /** The lines but for those about this computer. */
  const lines = () => infos.map(masked);

  it('tells of a run, its sync, and its sandbox in one line each, and of no argument or secret', async () => {
    const { run } = await runs.start('echo $1 $KEY; exit 3', {
      args: [`${REMOTE_ROOT}/a.sh`, 'hidden-argument'],
      env: { KEY: 'hidden-value' },
      label: 'hidden-label',
    });
    await run.done;
    await (await runs.start('true', { programs: [{ argv: ['TOKEN=hidden-token bash'] }] })).run.done;
    await runs.folder.services.sessions.terminateAll();
    assert.deepEqual(lines(), [
      'Account: Local Modal',
      'Sandbox SANDBOX (profile default) started in TIME',
      'Sync to SANDBOX: 1 file, 20 B, in TIME',
      'Run of bash in SANDBOX exited with code 3: start TIME, sync TIME, run TIME, output 30 B',
      'Sync to SANDBOX: 1 file, 4 B, in TIME',
      'Run of … in SANDBOX failed: start TIME, sync TIME, run TIME, output 0 B. There is no program “…” in the sandbox.',
      'Sandbox SANDBOX (profile default) ended after TIME: no longer used',
    ]);
    assert.doesNotMatch(infos.join('\n'), /hidden|as-test|ak-test/);
    assert.deepEqual(errors, []);
  });

  it('tells why a sandbox ended during a run, with the error in full once', async () => {
    const { run, shows } = await runs.start('echo ready; sleep 600');
    await shows('ready');
    await runs.server.control.preempt(run.sandboxId ?? '');
    assert.equal((await run.done).outcome, 'failed');
    assert.deepEqual(lines().slice(-2), [
      'Sandbox SANDBOX (profile default) ended after TIME: preempted',
      'Run of bash failed: output 7 B. Modal stopped the sandbox to free its machine, or because of a problem.',
    ]);
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? '', /^SandboxEndedError: .*\n +at /);
  });

  it('begins with the versions, and tells the kind of an account without its name', () => {
    logLine.activated({ extension: '1.2.3', vscode: '1.100.0', place: 'linux, x64, desktop' });
    for (const choice of ['environment', 'token:hidden', 'profile:hidden']) {
      const account = { label: 'hidden', tokenId: 'ak-hidden', tokenSecret: 'as-hidden', choice };
      logLine.connected({
        kind: accountKind(account),
        hasOtherServer: false,
        hasEnvironment: choice === 'environment',
      });
    }
    assert.deepEqual(infos, [
      'Sandboxes for Modal 1.2.3 in VS Code 1.100.0 (linux, x64, desktop)',
      'Account: a token of environment variables, with an environment',
      'Account: a token that VS Code keeps',
      'Account: a token of the config file',
    ]);
  });
});
