import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { ImageReport } from '../../../src/images/check.ts';
import { strings } from '../../../src/providers/images/strings.ts';
import {
  activate,
  answering,
  runFile,
  waitForActiveDocument,
  waitForProblems,
  waitForTerminals,
  withSetting,
  writeWorkspaceFile,
} from '../extension-under-test.ts';

const root = () => vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri;
const inFolder = (path: string) => vscode.Uri.joinPath(root(), path);
const builds = (count: number) => waitForTerminals('Modal: Build Image', count);
const marked = (path: string, count: number) =>
  waitForProblems(inFolder(path), ({ length }) => length === count, 'Modal');

/** Uses a profile while `action` runs. */
async function withProfile<T>(name: string, action: () => Promise<T>): Promise<T> {
  const file = inFolder('.vscode/modal.json');
  const before = await vscode.workspace.fs.readFile(file);
  const changed = new TextDecoder().decode(before).replace('"default": "docker"', `"default": "${name}"`);
  await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(changed));
  try {
    return await action();
  } finally {
    await vscode.workspace.fs.writeFile(file, before);
  }
}

describe('Images of profiles', () => {
  before(activate);

  // The build is slow enough for its log to be shown.
  it('builds an image from a Dockerfile and its files once, with the log in a separate terminal', async () => {
    const first = await runFile(inFolder('say.sh'));
    assert.match(first.text, /^HELLO FROM THE IMAGE\nhello from the image$/m);
    const [build] = await builds(1);
    build?.dispose();
    await builds(0);
    await answering({}, async () => vscode.commands.executeCommand('modal.replaceSandbox'));
    const second = await runFile(inFolder('say.sh'));
    assert.match(second.text, /● Started sandbox[\s\S]*^HELLO FROM THE IMAGE/m);
    // Nothing was built, so nothing is shown.
    await builds(0);
  });

  it('rebuilds an image by command, and warns that the running sandbox uses the old one', async () => {
    const { result, messages } = await answering({}, async () =>
      vscode.commands.executeCommand<string>('modal.rebuildImage'),
    );
    assert.match(result, /^im-/);
    assert.deepEqual(messages, [strings.rebuiltWhileRunning('docker')]);
  });

  it('checks an image by command, and opens a report', async () => {
    const report = await vscode.commands.executeCommand<ImageReport>('modal.checkImage');
    assert.ok(report.sizeMb > 1);
    const document = await waitForActiveDocument('the report', ({ uri }) => uri.scheme === 'modal-image');
    assert.match(document.getText(), /^Image for profile “docker” \(im-\w+\)\n\nSize: \d+ MB/);
  });

  it('marks a failed build in the Dockerfile, with the last lines of its log, until the image is built', async () => {
    const file = inFolder('docker/Dockerfile');
    const before = await vscode.workspace.fs.readFile(file);
    await vscode.commands.executeCommand('modal.replaceSandbox');
    await writeWorkspaceFile(
      'docker/Dockerfile',
      `${new TextDecoder().decode(before)}RUN echo said >&2; \\\n  exit 9\n`,
    );
    const { error } = await runFile(inFolder('say.sh'));
    assert.match(error ?? '', /^Couldn't build the image: “RUN echo said.*” \(docker\/Dockerfile:5\) failed/);
    const [problem] = await marked('docker/Dockerfile', 1);
    assert.equal(problem?.range.start.line, 4);
    assert.match(problem?.message ?? '', /\nsaid$/);
    await vscode.workspace.fs.writeFile(file, before);
    assert.match((await runFile(inFolder('say.sh'))).text, /^HELLO/m);
    await marked('docker/Dockerfile', 0);
  });

  it('marks a failed build at its key in modal.json', async () => {
    await withProfile('commands', async () => {
      const { error } = await runFile(inFolder('say.sh'));
      assert.match(error ?? '', /image\.commands\[1\].*failed/);
      const [problem] = await marked('.vscode/modal.json', 1);
      const document = await vscode.workspace.openTextDocument(inFolder('.vscode/modal.json'));
      assert.equal(document.getText(problem?.range), '"echo the reason >&2; exit 7"');
      assert.match(problem?.message ?? '', /\nthe reason$/);
    });
  });

  it('marks an unsupported Dockerfile immediately, and starts nothing', async () => {
    await writeWorkspaceFile('Other.Dockerfile', 'FROM debian:12\nRUN --mount=type=ssh true\n');
    await withSetting('profiles', { ssh: { image: { dockerfile: 'Other.Dockerfile' } } }, () =>
      withProfile('ssh', async () => {
        const { error, text } = await runFile(inFolder('say.sh'));
        assert.equal(error, "Other.Dockerfile:2: Modal doesn't support RUN --mount=type=ssh.");
        assert.doesNotMatch(text, /Started/);
        assert.equal((await marked('Other.Dockerfile', 1))[0]?.range.start.line, 1);
      }),
    );
  });

  it('stops waiting for a build when its terminal is closed', async () => {
    await withProfile('slow', async () => {
      const opened = new Promise<vscode.Terminal>((resolve) => {
        const listener = vscode.window.onDidOpenTerminal((terminal) => {
          if (terminal.name !== 'Modal: Build Image') return;
          listener.dispose();
          resolve(terminal);
        });
      });
      const building = vscode.commands.executeCommand('modal.rebuildImage');
      (await opened).dispose();
      assert.equal(await building, undefined);
    });
  });
});
