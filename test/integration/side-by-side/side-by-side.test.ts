import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { answering, printed, runFile, withSetting } from '../extension-under-test.ts';

/** Returns the URI of a file in one of the two folders. */
const uriOf = (name: 'one' | 'two', path: string) => {
  const folder = vscode.workspace.workspaceFolders?.find((each) => each.name === name);
  assert.ok(folder, `the workspace has a folder ${name}`);
  return vscode.Uri.joinPath(folder.uri, path);
};
const write = async (name: 'one' | 'two', path: string, content: string) => {
  await vscode.workspace.fs.writeFile(uriOf(name, path), new TextEncoder().encode(content));
  return uriOf(name, path);
};
const read = async (uri: vscode.Uri) => new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
const isThere = (uri: vscode.Uri) =>
  vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );

describe('Two folders in one window', () => {
  it('gives each folder its own sandbox, files, and rules, even if both run at the same time', async () => {
    for (const [name, path] of [
      ['one', 'notes.log'],
      ['two', 'part/notes.log'],
    ] as const)
      await write(name, path, 'a log');
    const [one, two] = await Promise.all([runFile(uriOf('one', 'list.sh')), runFile(uriOf('two', 'part/list.sh'))]);
    assert.deepEqual([one.error, one.exitCode, two.error, two.exitCode], [undefined, 0, undefined, 0]);
    assert.ok(one.sandboxId && two.sandboxId && one.sandboxId !== two.sandboxId);
    // Every listener receives the output of both runs, so each one is run again alone to check its output.
    const alone = { one: await runFile(uriOf('one', 'list.sh')), two: await runFile(uriOf('two', 'part/list.sh')) };
    assert.deepEqual([alone.one.sandboxId, alone.two.sandboxId], [one.sandboxId, two.sandboxId]);
    assert.match(alone.one.text, /^one\n\.modal-sync\n\.modalignore\nlist\.sh\nname\.txt$/m);
    assert.match(alone.two.text, /^two\n\.modal-sync\nlist\.sh\nname\.txt\nnotes\.log$/m);
  });

  it('sends a change only to the sandbox of its folder', async () => {
    await write('two', 'part/name.txt', 'changed');
    assert.match((await runFile(uriOf('two', 'part/list.sh'))).text, /^changed/m);
    const { text } = await runFile(uriOf('one', 'list.sh'));
    assert.match(text, /Up to date/);
    assert.match(text, /^one$/m);
  });

  it('pulls files into the folder of the active file', async () => {
    const maker = await write('two', 'part/make.sh', 'echo made > made.txt');
    await runFile(maker);
    await vscode.window.showTextDocument(maker);
    const { messages } = await answering({}, async () => vscode.commands.executeCommand('modal.pull', ['made.txt']));
    assert.match(messages.join(), /Pulled 1 file/);
    assert.equal(await read(uriOf('two', 'part/made.txt')), 'made\n');
    assert.equal(await isThere(uriOf('one', 'made.txt')), false);
  });

  it('sends a saved file only to the sandbox of its folder', () =>
    withSetting('sync.live', true, async () => {
      await write('two', 'part/live.txt', 'old\n');
      const waiting = await write(
        'two',
        'part/wait.sh',
        'echo waiting; for i in $(seq 200); do grep -q new live.txt && exec cat live.txt; sleep 0.05; done; exit 9',
      );
      const started = printed('waiting');
      const ended = runFile(waiting);
      await started;
      await write('one', 'live.txt', 'new of one\n');
      await write('two', 'part/live.txt', 'new of two\n');
      const { exitCode, text } = await ended;
      assert.deepEqual([exitCode, /^new of two$/m.test(text)], [0, true]);
    }));
});
