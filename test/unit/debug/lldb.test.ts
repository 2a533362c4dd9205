import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Channels } from '../../../src/channel/channels.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { skipUnless } from '../../helpers/skip.ts';
import { type LocalFolder, localFolder, startScript } from '../run/local-runs.ts';
import { Editor } from './editor.ts';

/** A folder with the unpacked packages of LLVM's debugger. */
const { LLDB = '' } = process.env;
const ADAPTER = 'usr/lib/llvm-14/bin/lldb-vscode';
const PROGRAM = `#include <stdio.h>
int twice(int number) {
  int result = number * 2;
  return result;
}
int main(int count, char **words) {
  printf("%d %s\\n", twice(4), words[1]);
}
`;

describe("Debugging C with LLVM's debugger on Local Modal", () => {
  let server: RunningLocalModal;
  let folder: LocalFolder;

  before(async function () {
    const reason = "LLVM's debugger is too large for every run. Set LLDB to what `.ci/unpack lldb` prints.";
    skipUnless(this, existsSync(join(LLDB, ADAPTER)), reason);
    server = await startLocalModal();
    folder = await localFolder(server, { hostVolume: false });
  });
  after(async () => {
    await folder?.dispose();
    await server?.stop();
  });

  it('stops at a breakpoint in a local file, evaluates, steps, and ends', async () => {
    const { sessions } = folder.services;
    const own = { name: 'folder', path: folder.path };
    const file = join(folder.path, 'main.c');
    await writeFile(file, PROGRAM);
    const { sandbox } = await sessions.acquire(own);
    const unpack = await sandbox.exec(['sh', '-c', 'mkdir /opt/lldb && tar -xf - -C /opt/lldb']);
    for await (const bytes of spawn('tar', ['-chf', '-', '-C', LLDB, 'usr/lib']).stdout)
      await unpack.stdin.writeBytes(bytes);
    await unpack.stdin.close();
    assert.equal(await unpack.wait(), 0);
    const { run } = await startScript(folder, 'gcc -g -o /workspace/main /workspace/main.c');
    assert.equal((await run.done).exitCode, 0);
    const channels = new Channels({ client: async () => (await sessions.connection()).client });
    const libraries = '/opt/lldb/usr/lib/x86_64-linux-gnu:/opt/lldb/usr/lib/llvm-14/lib';
    const variables = [
      `LD_LIBRARY_PATH=${libraries}`,
      'LLDB_DEBUGSERVER_PATH=/opt/lldb/usr/lib/llvm-14/bin/lldb-server',
    ];
    const editor = Editor.launchAdapter(
      { ...folder, channels, sandbox },
      ['env', ...variables, `/opt/lldb/${ADAPTER}`],
      { program: join(folder.path, 'main'), args: ['one'] },
    );
    await editor.start({ [file]: [{ line: 3 }] });
    const { threadId, frames } = await editor.stopped();
    assert.deepEqual([frames[0]?.name, frames[0]?.line, frames[0]?.source.path], ['twice', 3, file]);
    const { result } = await editor.request('evaluate', { expression: 'number + 1', frameId: frames[0]?.id });
    assert.equal(result, '5');
    assert.equal((await editor.step('next', threadId)).frames[0]?.line, 4);
    await editor.request('continue', { threadId });
    assert.equal((await editor.event('exited')).exitCode, 0);
    await editor.end();
    assert.deepEqual(editor.failures, []);
    channels.dispose();
  });
});
