import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { APPLY_SCRIPT, parseReply } from '../../../src/sync/push/apply-script.ts';
import type { Compression } from '../../../src/sync/push/archive.ts';
import { Connection } from '../../../src/sync/push/connection.ts';
import { Core } from '../../../src/sync/worker/core.ts';
import { localTree } from './sandboxes.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

const MANY_BYTES = 10_000_000;
const FAR_MS = 80;

describe('Connection.compression', () => {
  let connection: Connection;

  beforeEach(() => {
    connection = new Connection();
  });

  it('uses gzip until the sandbox reports its decoders, and then zstd if available', () => {
    assert.equal(connection.compression(FAR_MS, MANY_BYTES), 'gzip');
    connection.tools = ['zstd', 'gzip'];
    assert.equal(connection.compression(FAR_MS, MANY_BYTES), 'zstd');
    connection.tools = ['gzip'];
    assert.equal(connection.compression(FAR_MS, MANY_BYTES), 'gzip');
    connection.tools = [];
    assert.equal(connection.compression(FAR_MS, MANY_BYTES), 'raw');
  });

  it("doesn't compress small pushes, pushes to this computer, or pushes over a fast connection", () => {
    assert.equal(connection.compression(FAR_MS, 1000), 'raw');
    assert.equal(connection.compression(2, MANY_BYTES), 'raw');
    connection.measured(200_000_000, 1);
    assert.equal(connection.compression(FAR_MS, MANY_BYTES), 'raw');
    connection.measured(20_000_000, 1);
    assert.equal(connection.compression(FAR_MS, MANY_BYTES), 'gzip');
  });
});

describe('A compressed archive', () => {
  after(removeTemporary);

  for (const compression of ['gzip', 'zstd'] as const)
    it(`is applied completely by the apply script with ${compression}`, () => {
      const root = writeTree(temporaryFolder(), {
        'text.txt': 'some words\n'.repeat(200_000),
        'random.bin': randomBytes(3_000_000),
        'a/b': 'b',
      });
      const { next, accept, archive } = archiveOf(root, compression);
      assert.ok(archive.length < 3_500_000, `${archive.length}`);
      const env = { ...process.env, PATH: `${pathWithZstd()}${delimiter}${process.env.PATH}` };
      const input = Buffer.concat([Buffer.from(`${compression}\n`), archive]);
      // Perl applies a push only to a folder that exists.
      for (const tools of [[], ['perl']]) {
        const remote = join(temporaryFolder(), 'root');
        if (tools.includes('perl')) mkdirSync(join(remote, '.modal-sync/m'), { recursive: true });
        const args = ['-c', APPLY_SCRIPT, 'modal-sync', remote, next, '0', ...accept];
        const reply = parseReply(spawnSync('sh', args, { input, env, encoding: 'utf8' }).stdout);
        const expected = { kind: 'ok', tools: [...tools, 'zstd', 'gzip'], writtenThrough: [], movedAside: [] };
        assert.deepEqual(reply, expected);
        assert.deepEqual(localTree(remote), localTree(root));
      }
    });
});

function archiveOf(
  root: string,
  compression: Compression,
): { next: string; accept: readonly string[]; archive: Buffer } {
  const core = new Core({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} });
  core.prepare({ sandboxId: 's', fresh: true });
  const { next, accept } = core.open('s');
  const parts: Uint8Array[] = [];
  const piece = () => core.next('s', next, compression).bytes;
  for (let bytes = piece(); bytes; bytes = piece()) parts.push(bytes);
  return { next, accept, archive: Buffer.concat(parts) };
}

/** Returns a folder with a `zstd` that unpacks like the real one, which needn't be installed. */
function pathWithZstd(): string {
  const folder = temporaryFolder();
  const program = `#!${process.execPath}\nprocess.stdin.pipe(require('node:zlib').createZstdDecompress()).pipe(process.stdout);\n`;
  writeFileSync(join(folder, 'zstd'), program);
  chmodSync(join(folder, 'zstd'), 0o755);
  return folder;
}
