import assert from 'node:assert/strict';
import type { Sandbox } from 'modal';
import { execWith, readStream, type Source } from '../../../src/modal/exec.ts';
import { strings } from '../../../src/modal/strings.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';

describe('execWith', () => {
  let workbench: Workbench;
  let sandbox: Sandbox;

  before(async () => {
    workbench = await startWorkbench();
    sandbox = await workbench.modal.sandboxes.create(workbench.app, workbench.image, { timeoutMs: 600_000 });
  });
  after(() => workbench.server.stop());

  const LIMITS = { maxBytes: 1_000_000, timeoutMs: 60_000 };
  const endless: Source = {
    async *readFrom() {
      for (;;) yield Buffer.alloc(100_000, 'x');
    },
  };

  it('refuses an answer that is longer than its limit, with or without input', async () => {
    const tooLong = { name: 'UserError', message: strings.answerTooLong('1.0 MB') };
    await assert.rejects(execWith(sandbox, ['sh', '-c', 'head -c 2000000 /dev/zero; sleep 60'], LIMITS), tooLong);
    const argv = ['sh', '-c', 'head -c 2000000 /dev/zero; cat > /dev/null'];
    await assert.rejects(execWith(sandbox, argv, { ...LIMITS, source: () => endless }), tooLong);
  });

  it('accepts an answer of the size of its limit', async () => {
    const answer = await execWith(sandbox, ['head', '-c', '1000000', '/dev/zero'], LIMITS);
    assert.equal(answer.length, 1_000_000);
  });

  it("doesn't wait for a process that gives no sign of life, with or without input", async () => {
    const quiet = { name: 'UserError', message: strings.noAnswer(1) };
    const limits = { ...LIMITS, quietMs: 1_000 };
    await assert.rejects(execWith(sandbox, ['sleep', '60'], limits), quiet);
    await assert.rejects(execWith(sandbox, ['sleep', '60'], { ...limits, source: () => endless }), quiet);
  });

  it('waits for a process as long as it prints something', async () => {
    const argv = ['sh', '-c', 'for i in 1 2 3 4 5 6; do echo; sleep 0.3; done; echo done'];
    assert.match(String(await execWith(sandbox, argv, { ...LIMITS, quietMs: 1_500 })), /done/);
  });

  it('ends a process that prints for longer than its limit', async () => {
    const argv = ['sh', '-c', 'while sleep 0.1; do echo; done'];
    await assert.rejects(execWith(sandbox, argv, { ...LIMITS, timeoutMs: 1_000, quietMs: 900 }), {
      message: strings.noAnswer(1),
    });
  });

  it('reads a stream no further than its reader', async () => {
    const process = await sandbox.exec(['sh', '-c', 'yes'], { mode: 'binary', timeoutMs: 10_000 });
    let bytes = 0;
    for await (const part of readStream(process.stdout, { maxBytes: Number.POSITIVE_INFINITY })) {
      bytes += part.length;
      if (bytes > 100_000) break;
    }
    assert.ok(bytes < 10_000_000);
  });
});
