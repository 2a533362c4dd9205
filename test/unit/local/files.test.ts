import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type Sandbox,
  SandboxFilesystemDirectoryNotEmptyError,
  SandboxFilesystemIsADirectoryError,
  SandboxFilesystemNotADirectoryError,
  SandboxFilesystemNotFoundError,
  SandboxFilesystemPathAlreadyExistsError,
} from 'modal';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';

describe('Local Modal files API', () => {
  let bench: Workbench;
  let sandbox: Sandbox;
  before(async () => {
    bench = await startWorkbench();
    sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
  });
  after(() => bench.server.stop());

  it('writes and reads files of any size, and creates parent folders', async () => {
    for (const size of [0, 1, 5_000_000, 20_000_001]) {
      const content = randomBytes(size);
      await sandbox.filesystem.writeBytes(content, `/made/for/${size}`);
      assert.ok(content.equals(await sandbox.filesystem.readBytes(`/made/for/${size}`)));
    }
  });

  it('keeps the mode of a file that it overwrites, and follows links', async () => {
    await bench.shell(sandbox, 'mkdir /mode; echo old > /mode/file; chmod 751 /mode/file; ln -s file /mode/link');
    await sandbox.filesystem.writeText('new', '/mode/link');
    assert.equal(
      await bench.shell(sandbox, 'stat -c "%a %F" /mode/file /mode/link; cat /mode/file'),
      '751 regular file\n777 symbolic link\nnew',
    );
  });

  it('returns the same file info as stat in the sandbox', async () => {
    await bench.shell(sandbox, 'mkdir /facts; echo 12345 > /facts/f; chmod 640 /facts/f; chown 0:5 /facts/f');
    const info = await sandbox.filesystem.stat('/facts/f');
    const told = [info.name, info.size, info.permissions, info.owner, info.group, info.type].join(' ');
    assert.equal(told, (await bench.shell(sandbox, 'stat -c "f %s 0640 %U %G file" /facts/f')).trim());
  });

  it('lists a folder by name, without following links', async () => {
    await bench.shell(sandbox, 'mkdir -p /list/sub; touch /list/b /list/a; ln -s /nowhere /list/dangling');
    const entries = await sandbox.filesystem.listFiles('/list');
    assert.deepEqual(
      entries.map(({ name, type, symlinkTarget }) => [name, type, symlinkTarget]),
      [
        ['a', 'file', null],
        ['b', 'file', null],
        ['dangling', 'symlink', '/nowhere'],
        ['sub', 'directory', null],
      ],
    );
  });

  it("fails with the SDK's typed errors", async () => {
    await bench.shell(sandbox, 'mkdir -p /errors/full; touch /errors/full/x /errors/file');
    const files = sandbox.filesystem;
    await assert.rejects(files.readText('/errors/none'), SandboxFilesystemNotFoundError);
    await assert.rejects(files.readText('/errors/full'), SandboxFilesystemIsADirectoryError);
    await assert.rejects(files.listFiles('/errors/file'), SandboxFilesystemNotADirectoryError);
    await assert.rejects(files.writeText('x', '/errors/file/below'), SandboxFilesystemNotADirectoryError);
    await assert.rejects(files.makeDirectory('/errors/file'), SandboxFilesystemPathAlreadyExistsError);
    await assert.rejects(files.remove('/errors/full'), SandboxFilesystemDirectoryNotEmptyError);
    await files.remove('/errors/full', { recursive: true });
    await assert.rejects(files.stat('/errors/full'), SandboxFilesystemNotFoundError);
  });

  it("doesn't follow links out of the sandbox", async () => {
    const state = `${bench.server.dataDir}/state.json`;
    await bench.shell(
      sandbox,
      `ln -s ${bench.server.dataDir} /out; ln -s ${state} /state; ln -s ../../../../../../../..${state} /relative`,
    );
    for (const file of ['/out/state.json', '/state', '/relative', `/../../../..${state}`]) {
      await assert.rejects(sandbox.filesystem.readText(file), SandboxFilesystemNotFoundError, file);
    }
    await sandbox.filesystem.writeText('written', '/out/state.json').catch(() => {});
    assert.doesNotMatch(readFileSync(state, 'utf8'), /^written/);
  });

  it('reports created, modified, moved, and removed files to watchers', async () => {
    await bench.shell(sandbox, 'mkdir -p /watched/sub');
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { eventType, paths } of sandbox.filesystem.watch('/watched', { recursive: true })) {
        seen.push(`${eventType} ${paths.join(' ')}`);
        if (paths.includes('/watched/end')) return;
      }
    })();
    /** Recreates a file until the watch, which starts asynchronously, reports it. */
    const untilReported = (file: string) =>
      waitFor(
        `an event for ${file}`,
        10_000,
        async () => {
          await bench.shell(sandbox, `rm -f ${file}; touch ${file}`);
          return seen;
        },
        (all) => all.includes(`Create ${file}`),
      );
    await untilReported('/watched/first');
    await bench.shell(sandbox, 'cd /watched; echo 1 > sub/file; mv sub/file moved; rm moved; mkdir late');
    await untilReported('/watched/late/inside');
    await bench.shell(sandbox, 'touch /watched/end');
    await watching;
    assert.ok(seen.includes('Create /watched/sub/file'), seen.join('\n'));
    assert.ok(seen.includes('Modify /watched/sub/file /watched/moved'), seen.join('\n'));
    assert.ok(seen.includes('Remove /watched/moved'), seen.join('\n'));
  });
});
