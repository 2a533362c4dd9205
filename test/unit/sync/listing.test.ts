import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { LIST_SCRIPT, readListing } from '../../../src/sync/remote/list-script.ts';
import { strings } from '../../../src/sync/strings.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

/** Reads what the script prints after its first byte. */
const read = (list: string | Uint8Array) =>
  readListing(Buffer.concat([Buffer.from('L'), Buffer.from(list as Uint8Array)]));

describe('readListing', () => {
  const walked = 'G1\0P\0f644 2 10.5000 ./a\0f755 4 11.0 ./b c\0D.\0C./b c\0';
  const plain = 'G1\0F\0.\0I\0./b c\0N\0./a\0./b c\0S\x0081a4 2 10\n81ed 4 11\n\0';

  it('reads both forms of a list, compressed or not', async () => {
    for (const list of [walked, plain])
      for (const output of [Buffer.from(`${list}W`), gzipSync(`${list}W`)]) {
        const listing = await read(output);
        assert.deepEqual(listing?.folders, ['']);
        assert.deepEqual([...(listing?.children ?? [])], ['b c']);
        assert.deepEqual(
          [...(listing?.paths ?? [])],
          [
            ['a', { kind: 'file', executable: false, size: 2, seconds: 10 }],
            ['b c', { kind: 'file', executable: true, size: 4, seconds: 11 }],
          ],
        );
      }
    assert.equal((await read('none'))?.generation, 'none');
  });

  it('reports a list that was cut off or damaged as incomplete', async () => {
    for (const list of [walked, plain]) {
      const packed = gzipSync(`${list}W`);
      for (let end = 0; end < packed.length; end += 1) assert.equal(await read(packed.subarray(0, end)), undefined);
      for (let end = 0; end <= list.length; end += 1) assert.equal(await read(list.slice(0, end)), undefined);
    }
    for (const output of [
      'W',
      'G1\0W',
      'G1\0N\0./a\0W',
      'G1\0N\0./a\0S\0\0W',
      `${walked}x\0W`,
      'G1\0P\0T\0not an archiveW',
    ])
      assert.equal(await read(output), undefined, JSON.stringify(output));
    assert.equal(await readListing(Buffer.alloc(10_000, 1)), undefined);
  });

  it('refuses a list that unpacks to more than its limit, without unpacking it', async () => {
    const packed = gzipSync(Buffer.alloc(300_000_000));
    assert.ok(packed.length < 1_000_000);
    await assert.rejects(read(packed), { message: strings.listTooLong() });
  });

  it('refuses a list of more paths than its limit', async () => {
    const packed = gzipSync(`G1\0P\0${'D./a\0'.repeat(3_000_000)}W`);
    await assert.rejects(read(packed), { message: strings.listTooLong() });
  });
});

describe('The list script', () => {
  after(removeTemporary);

  const SINCE_SECONDS = 1_700_000_000;

  /** Returns a PATH on which `find` is one like that of BusyBox, without GNU's options. */
  function otherFind(): string {
    const folder = temporaryFolder();
    const find = spawnSync('sh', ['-c', 'command -v find'], { encoding: 'utf8' }).stdout.trim();
    const script = `#!/bin/sh\ncase "$*" in *-printf*|*--version*|*-cnewer*) exit 1;; esac\nexec ${find} "$@"\n`;
    writeFileSync(join(folder, 'find'), script, { mode: 0o755 });
    return `${folder}:${process.env.PATH}`;
  }

  function newRoot(): string {
    const names = ['old', 'a/old', 'node_modules/skipped', 'new', 'x\ny/new\n', '-n', ' s'];
    const root = writeTree(join(temporaryFolder(), 'root'), {
      ...Object.fromEntries(names.map((name) => [name, name])),
      'run.sh': '',
      link: { link: 'gone' },
      '.modal-sync/gen': '7\n',
      '.modal-sync/stamp': '',
      '.modal-sync/m/7': 'manifest',
    });
    for (const old of ['old', 'a/old', 'a', '.modal-sync/stamp'])
      utimesSync(join(root, old), SINCE_SECONDS, SINCE_SECONDS);
    return root;
  }

  async function list([shell, ...options]: readonly string[], path: string | undefined, ...args: string[]) {
    const argv = [...options, '-c', LIST_SCRIPT, 'modal-list', ...args, 'node_modules'];
    const { stdout } = spawnSync(shell as string, argv, { env: { PATH: path } });
    return readListing(stdout);
  }

  for (const shell of [['dash'], ['bash'], ['busybox', 'sh']])
    for (const [name, path] of [
      ["GNU's find", () => process.env.PATH],
      ['another find', otherFind],
    ] as const)
      it(`lists everything, and what is new, in ${shell.join(' ')} with ${name}`, async function () {
        if (spawnSync(shell[0] as string, ['-c', ':']).error) this.skip();
        const root = newRoot();
        const all = await list(shell, path(), root, 'all', '');
        const files = [' s', '-n', 'a', 'a/old', 'link', 'new', 'old', 'run.sh', 'x\ny', 'x\ny/new\n'];
        assert.deepEqual([...(all?.paths.keys() ?? [])].sort(), files);
        assert.equal(all?.generation, '7');
        assert.deepEqual(all?.manifest.map(String), ['manifest']);
        const { mtimeMs } = statSync(join(root, 'run.sh'));
        const run = { kind: 'file', executable: true, size: 0, seconds: Math.floor(mtimeMs / 1000) };
        assert.deepEqual(all?.paths.get('run.sh'), run);
        assert.deepEqual(all?.paths.get('a/old'), { kind: 'file', executable: false, size: 5, seconds: SINCE_SECONDS });
        assert.equal(all?.paths.get('link')?.kind, 'link');

        const changed = await list(shell, path(), root, 'stamp', 'stamp.x.1');
        const isNew = (file: string) => !['a', 'a/old', 'old'].includes(file);
        const listed = [...(changed?.paths.keys() ?? [])].filter(isNew).sort();
        assert.deepEqual(listed, files.filter(isNew));
        assert.deepEqual(changed?.folders.filter(isNew).sort(), ['', 'x\ny']);
        assert.ok(changed?.children.has('x\ny/new\n') && changed.children.has('a'));
        assert.ok(existsSync(join(root, '.modal-sync/stamp.x.1')));
      });

  it('lists a folder that is skipped if something in it was pushed', async () => {
    const root = newRoot();
    writeFileSync(join(root, '.modal-sync/m/7'), 'node_modules/skipped\0f 1 1 x\0');
    const all = await list(['sh'], process.env.PATH, root, 'all', '');
    assert.ok(all?.paths.has('node_modules/skipped'));
  });
});
