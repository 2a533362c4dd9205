import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import { strings } from '../../../src/providers/run/strings.ts';
import {
  answering,
  eventually,
  runFile,
  textOf,
  waitForTasks,
  withSetting,
  writeOutsideFile,
  writeWorkspaceFile,
} from '../extension-under-test.ts';

describe('Run Active File in Sandbox', () => {
  it("shows what was synced, the program's output, and its exit code", async () => {
    const { exitCode, text } = await runFile(await writeWorkspaceFile('ok.py', 'print("hello")'));
    assert.equal(exitCode, 0);
    assert.match(
      text,
      /● Synced \d+ files? \([\d.]+ K?B\) in [\d.]+ m?s\nhello\n● Exited with code 0 · start [\d.]+ m?s · sync .* · run [\d.]+ m?s\n$/,
    );
  });

  it("ends the run with the program's exit code", async () => {
    const { exitCode, text } = await runFile(await writeWorkspaceFile('three.py', 'import sys; sys.exit(3)'));
    assert.equal(exitCode, 3);
    assert.match(text, /● Exited with code 3/);
  });

  it('shows the traceback of an uncaught exception', async () => {
    const { exitCode, text } = await runFile(await writeWorkspaceFile('crash.py', '1 / 0'));
    assert.equal(exitCode, 1);
    assert.match(text, /ZeroDivisionError: division by zero/);
  });

  for (const [name, content] of [
    ['a.js', 'console.log("from", 6 * 7)'],
    ['a.sh', 'echo from $((6 * 7))'],
  ] as const) {
    it(`runs ${name} according to its language`, async () => {
      const { exitCode, text } = await runFile(await writeWorkspaceFile(name, content));
      assert.match(text, /^from 42$/m);
      assert.equal(exitCode, 0);
    });
  }

  it('saves unsaved changes and runs the file in the active editor', async () => {
    const uri = await writeWorkspaceFile('edited.py', 'print("old")\n');
    const editor = await vscode.window.showTextDocument(uri);
    await editor.edit((edit) => edit.replace(new vscode.Range(0, 0, 1, 0), 'print("new")\n'));
    await eventually('the edit', () => editor.document.isDirty, Boolean);
    const { text, error } = await runFile(undefined);
    assert.equal(error, undefined);
    assert.match(text, /^new$/m);
    await eventually(
      'the file to be saved',
      () => editor.document.isDirty,
      (isDirty) => !isDirty,
    );
  });

  it('runs each file as one task that ends with the exit code', async () => {
    const uri = await writeWorkspaceFile('task.sh', 'exit 7');
    const codes: (number | undefined)[] = [];
    const listening = vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
      if (execution.task.name === 'task.sh') codes.push(exitCode);
    });
    await runFile(uri);
    await eventually(
      'the end of the task',
      () => codes,
      ({ length }) => length > 0,
    );
    listening.dispose();
    assert.deepEqual(codes, [7]);
  });

  it('asks before stopping a running program, and can run both', async () => {
    const uri = await writeWorkspaceFile('long.sh', 'test -e /tmp/long && exit 4; touch /tmp/long; sleep 1000');
    const started = new Promise((resolve) => vscode.tasks.onDidStartTask(resolve));
    const first = runFile(uri);
    await started;

    const unanswered = await answering({}, () => runFile(uri));
    assert.equal(unanswered.messages[0], strings.stillRunning('long.sh'));
    await waitForTasks('long.sh');

    const beside = await answering({ showWarningMessage: strings.runBoth() }, () => runFile(uri));
    assert.equal(beside.result.exitCode, 4);
    await waitForTasks('long.sh');

    const restarted = await answering({ showWarningMessage: strings.stopAndRunAgain() }, () => runFile(uri));
    assert.equal(restarted.result.exitCode, 4);
    assert.notEqual((await first).exitCode, 0);
    await waitForTasks();
  });

  it('shows a code lens above the first line of runnable files only', async () => {
    const lenses = async (uri: vscode.Uri) => {
      await vscode.window.showTextDocument(uri);
      const found = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri);
      return found.filter(({ command }) => command?.command === 'modal.runTarget');
    };
    const [lens, ...more] = await lenses(await writeWorkspaceFile('lens.py', '\n\nprint()\n'));
    assert.match(lens?.command?.title ?? '', /Run in Sandbox/);
    assert.equal(lens?.range.start.line, 0);
    assert.deepEqual(more, []);
    assert.deepEqual(await lenses(await writeWorkspaceFile('notes.md', '# notes\n')), []);
  });

  it('runs a copy of a file outside the workspace, and says so', async () => {
    await writeWorkspaceFile('here.txt', 'of the folder');
    const uri = await writeOutsideFile('alone.py', 'import sys; print(open("here.txt").read(), sys.argv)');
    const { exitCode, text } = await runFile(uri);
    assert.ok(text.includes(`● ${strings.copyOfOutsideFile('alone.py')}\n`), text);
    assert.match(text, /^of the folder \['\/tmp\/modal-copies\/\w+\/alone\.py'\]$/m);
    assert.equal(exitCode, 0);
  });

  it("runs a copy of a file outside the workspace with the file's own bytes", async () => {
    const uri = await writeOutsideFile('latin.py', '');
    const script = '# -*- coding: latin-1 -*-\nprint(ascii("\u00e9"))\n';
    await writeFile(uri.fsPath, Buffer.from(script, 'latin1'));
    const { exitCode, text } = await runFile(uri);
    assert.match(text, /^'\\xe9'$/m);
    assert.equal(exitCode, 0);
    await withSetting('runners', { '.dat': ['md5sum'] }, async () => {
      const utf16 = Buffer.from('\ufeffnaïve\r\n', 'utf16le');
      const contents = [
        utf16,
        Buffer.from(utf16).swap16(),
        Buffer.from('\ufefftext'),
        Buffer.from('a\xff\xc3(\r', 'latin1'),
        Buffer.from('\x93\xfa\x96{\x8c\xea\r\n\n\r', 'latin1'),
        Buffer.from('\ufffd\u2028a\u0000b'),
        Buffer.alloc(0),
      ];
      for (const content of contents) {
        const file = await writeOutsideFile('own.dat', '');
        await writeFile(file.fsPath, content);
        const result = await runFile(file);
        assert.ok(result.text.includes(createHash('md5').update(content).digest('hex')), result.text);
      }
    });
  });

  it('runs a copy of an untitled file, and says so', async () => {
    const content = 'console.log("it is", 6 * 7)';
    const { uri } = await vscode.workspace.openTextDocument({ language: 'javascript', content });
    const { exitCode, text } = await runFile(uri);
    assert.match(text, /^● “Untitled-\d” hasn't been saved\. A copy is run/m);
    assert.match(text, /^it is 42$/m);
    assert.equal(exitCode, 0);
  });

  const refused: [string, () => Promise<vscode.Uri | undefined>, RegExp][] = [
    [
      'a file outside any folder that looks like a credential',
      () => writeOutsideFile('.ssh/config.py', 'print()'),
      /“config\.py” looks like a credential, so it wasn't sent/,
    ],
    [
      "a file that doesn't exist",
      async () => (await writeWorkspaceFile('x.py', '')).with({ path: '/nowhere/x.py' }),
      /“x\.py” couldn't be opened as text/,
    ],
  ];
  for (const [name, make, expected] of refused) {
    it(`refuses to run ${name}, with one message`, async () => {
      const uri = await make();
      const { result, messages } = await answering({}, () => runFile(uri));
      assert.match(result.error ?? '', expected);
      assert.deepEqual(messages, [result.error]);
      assert.equal(result.text, '', 'nothing was started');
    });
  }

  it('asks for the command of an unknown kind of file, and remembers it', () =>
    withSetting('runners', {}, async () => {
      const uri = await writeWorkspaceFile('lines.txt', 'one\ntwo\n');
      const unanswered = await answering({}, () => runFile(uri));
      assert.deepEqual(unanswered.messages, [strings.runnerTitle('lines.txt')]);
      assert.equal(unanswered.result.error, strings.noRunner('lines.txt', '.txt'));

      const answered = await answering({ showInputBox: 'wc -l' }, () => runFile(uri));
      assert.match(answered.result.text, /^2 \/workspace\/lines\.txt$/m);
      const again = await answering({}, () => runFile(uri));
      assert.deepEqual([again.result.exitCode, again.messages], [0, []]);
    }));

  it("explains that a notebook doesn't run as a file, unless there is a command for notebooks", async () => {
    const uri = await writeWorkspaceFile(
      'steps.ipynb',
      '{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
    );
    const { messages, result } = await answering({}, () => runFile(uri));
    const sentence = strings.noNotebooks('steps.ipynb');
    assert.deepEqual([messages, result.error], [[sentence], sentence]);
    await withSetting('runners', { '.ipynb': ['wc', '-c'] }, async () => {
      assert.match((await runFile(uri)).text, /^\d+ \/workspace\/steps\.ipynb$/m);
    });
  });

  it("remembers the command of a kind of file without the folder's own commands", () =>
    withSetting('runners', { '.mine': ['sh'] }, async () => {
      const configuration = () => vscode.workspace.getConfiguration('modal');
      const { Workspace } = vscode.ConfigurationTarget;
      const uri = await writeWorkspaceFile('more.lines', 'one\n');
      await configuration().update('runners', { '.theirs': ['sh'] }, Workspace);
      try {
        await answering({ showInputBox: 'wc -l' }, () => runFile(uri));
        const own = { '.mine': ['sh'], '.lines': ['wc', '-l'] };
        assert.deepEqual(configuration().inspect('runners')?.globalValue, own);
      } finally {
        await configuration().update('runners', undefined, Workspace);
      }
    }));

  it('runs with arguments, remembers them for the file, and repeats a past run', async () => {
    const uri = await writeWorkspaceFile('args.py', 'import sys; print(sys.argv[1:])');
    const withArguments = () => vscode.commands.executeCommand<{ exitCode?: number }>('modal.runWithArguments', uri);
    const { result } = await answering({ showInputBox: `one "two three"` }, () => textOf(withArguments));
    assert.match(result, /^\['one', 'two three'\]$/m);

    const again = await answering({ showQuickPick: 'first' }, () =>
      textOf(() => vscode.commands.executeCommand('modal.runHistory')),
    );
    assert.match(again.result, /^\['one', 'two three'\]$/m);
  });

  it('reports that no file is open', async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    const { result } = await answering({}, () => runFile(undefined));
    assert.equal(result.error, strings.noFileOpen());
  });

  it("names a setting that isn't valid", async () => {
    const uri = await writeWorkspaceFile('setting.sh', 'true');
    await withSetting('app', 'two words', async () => {
      const { error } = await runFile(uri);
      assert.match(error ?? '', /modal\.app setting must be/);
    });
  });
});
