import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

describe('The script in src/sync/README.md', () => {
  let server: RunningLocalModal;

  before(async () => {
    server = await startLocalModal();
  });
  after(async () => {
    await server.stop();
    removeTemporary();
  });

  it('pushes a folder, runs a command, and pulls its result in no more than 20 lines', async () => {
    const readme = readFileSync(new URL('../../../src/sync/README.md', import.meta.url), 'utf8');
    const script = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const root = writeTree(temporaryFolder(), { 'a.txt': 'a', 'b.txt': 'b', 'c.log': 'c', '.env': 'SECRET=1' });
    const child = spawn(process.execPath, ['--input-type=module-typescript', '--no-warnings', '-'], {
      cwd: fileURLToPath(new URL('../../..', import.meta.url)),
      env: {
        ...process.env,
        FOLDER: root,
        MODAL_SERVER_URL: server.url,
        TMPDIR: temporaryFolder(),
        MODAL_TOKEN_ID: 'ak-test',
        MODAL_TOKEN_SECRET: 'as-test',
      },
    });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.stdin.end(script);
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 0, errors);
    assert.equal(output, 'to send: 2 files, 2 bytes; never sent: .env\npulled: result.txt\n');
    assert.equal(readFileSync(`${root}/result.txt`, 'utf8'), 'ab');
    assert.ok(script.trim().split('\n').length <= 20);
  });
});
