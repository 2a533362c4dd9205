import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { contentOf, readAll } from '../../../src/modal/remote-files.ts';
import { sandboxFiles } from '../../../src/modal/sandbox-files.ts';
import { requireShell } from '../../../src/modal/shell.ts';
import { strings } from '../../../src/modal/strings.ts';
import type { Sessions } from '../../../src/sandboxes/sessions.ts';
import { localRuns } from './local-runs.ts';

/** Overrides a method of an object, whose others stay as they are. */
function overriding<T extends object>(target: T, name: keyof T, method: unknown): T {
  return new Proxy(target, {
    get: (_, key) => {
      if (key === name) return method;
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A sandbox in which `sh` is a program that doesn't exist. Nothing is removed from it. */
function withoutShell(sandbox: Sandbox): Sandbox {
  const exec = ([program, ...args]: string[], options: object) =>
    sandbox.exec([program === 'sh' ? '/nowhere/sh' : (program ?? ''), ...args], options);
  return overriding(sandbox, 'exec', exec);
}

describe('A sandbox without a shell', () => {
  const runs = localRuns();

  beforeEach(() => {
    const { services } = runs.folder;
    const { sessions } = services;
    const acquire = async (...args: Parameters<Sessions['acquire']>) => {
      const session = await sessions.acquire(...args);
      return { ...session, sandbox: withoutShell(session.sandbox) };
    };
    Object.assign(runs.folder, { services: { ...services, sessions: overriding(sessions, 'acquire', acquire) } });
  });

  for (const pty of [true, false])
    for (const sync of [true, false]) {
      const kind = `${sync ? 'with' : 'without'} a sync, ${pty ? 'in a terminal' : 'with pipes'}`;
      it(`fails with a sentence that names what is missing (${kind})`, async () => {
        const { run } = await runs.start('echo', { pty, sync });
        const actions = ['chooseProfile', 'replaceSandbox'];
        assert.deepEqual(await run.done, { outcome: 'failed', error: strings.cannotExecute('/nowhere/sh'), actions });
      });
    }

  it('fails a sync with a sentence that names what is missing', async () => {
    const { path, services } = runs.folder;
    const { sandbox } = await services.sessions.acquire({ name: 'folder', path });
    await writeFile(join(path, 'a.txt'), 'a');
    await assert.rejects(services.syncs.of({ name: 'folder', path }).push(sandbox, { ask: () => true }), {
      message: strings.cannotExecute('/nowhere/sh'),
    });
  });
});

describe('Files of a sandbox without a shell', () => {
  const runs = localRuns();

  it('are opened and saved with a sentence that names what is missing', async () => {
    const { path, services } = runs.folder;
    const { sandbox } = await services.sessions.acquire({ name: 'folder', path });
    const files = sandboxFiles(async () => withoutShell(sandbox));
    const missing = { message: strings.cannotExecute('/nowhere/sh') };
    await files.write('/small', contentOf(Buffer.from('x')));
    await assert.rejects(readAll(files, '/small', 10), missing);
    await assert.rejects(files.write('/large', contentOf(Buffer.alloc(9 * 1024 * 1024))), missing);
  });
});

describe('requireShell', () => {
  const runs = localRuns();

  it("doesn't blame the shell for a program that exits as if it didn't exist", async () => {
    const { run } = await runs.start('exit 127');
    const { outcome, exitCode } = await run.done;
    assert.deepEqual([outcome, exitCode], ['exited', 127]);
  });

  it('names the program that was missing, whoever reports it', async () => {
    const reports = {
      'nsenter: failed to execute /usr/bin/env: No such file or directory': '/usr/bin/env',
      'OCI runtime exec failed: exec: "sh": executable file not found in $PATH': 'sh',
      '': 'sh',
    };
    for (const [report, name] of Object.entries(reports)) {
      const stream = (text: string) => new Blob([text]).stream().pipeThrough(new TextDecoderStream());
      const exec = async () => ({ stdout: stream(''), stderr: stream(report) });
      await assert.rejects(requireShell({ exec } as unknown as Sandbox), { message: strings.cannotExecute(name) });
    }
  });

  it("doesn't read an endless answer to its end", async () => {
    let parts = 0;
    const endless = () =>
      new ReadableStream({
        pull(controller) {
          parts += 1;
          controller.enqueue('y'.repeat(1000));
        },
      });
    const exec = async () => ({ stdout: endless(), stderr: endless() });
    await assert.rejects(requireShell({ exec } as unknown as Sandbox), { message: strings.cannotExecute('sh') });
    assert.ok(parts < 20, `${parts}`);
  });
});
