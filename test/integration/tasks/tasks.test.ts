import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import * as vscode from 'vscode';
import { strings as permissionStrings } from '../../../src/providers/permissions/strings.ts';
import { strings as permissionTexts } from '../../../src/sandboxes/permissions/strings.ts';
import {
  activate,
  answering,
  eventually,
  waitForProblems,
  waitForTask,
  waitForTasks,
} from '../extension-under-test.ts';

/** Starts a task and waits until it ends. Resolves with its exit code and the text that it showed. */
async function taskRun(
  name: string,
  start: () => Thenable<unknown>,
): Promise<{ exitCode: number | undefined; text: string }> {
  const api = await activate();
  let text = '';
  const output = api.onDidWriteOutput(({ data }) => (text += data));
  const ended = new Promise<number | undefined>((resolve) => {
    const listener = vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
      if (execution.task.name !== name) return;
      listener.dispose();
      resolve(exitCode);
    });
  });
  await start();
  const exitCode = await ended;
  output.dispose();
  return { exitCode, text: stripVTControlCharacters(text).replaceAll('\r\n', '\n') };
}

async function ownTask(name: string): Promise<vscode.Task> {
  const task = (await vscode.tasks.fetchTasks({ type: 'modal' })).find((each) => each.name === name);
  assert.ok(task, `there is a task “${name}”`);
  return task;
}

async function runOwn(name: string) {
  const task = await ownTask(name);
  return taskRun(name, () => vscode.tasks.executeTask(task));
}

const runInSandbox = (name: string) => taskRun(name, () => vscode.commands.executeCommand('modal.runTask', name));

describe('Tasks of type modal', () => {
  it("runs a script with VS Code's variables resolved, in its sandbox folder, and ends with its exit code", async () => {
    const { exitCode, text } = await runOwn('own');
    assert.match(text, /^hello \/workspace\/sub in \/workspace\/sub$/m);
    assert.equal(exitCode, 6);
  });

  it('runs a file with arguments, without a terminal if "pty" is false', async () => {
    const { exitCode, text } = await runOwn('own file');
    assert.match(text, /^\['a b', '\/workspace\/sub'\] False$/m);
    assert.equal(exitCode, 0);
  });

  it('sends no token of a Modal account, even if tasks.json names its variable', async () => {
    const { exitCode, text } = await runOwn('token');
    assert.notEqual(exitCode, 0);
    assert.match(text, /contains the value of MODAL_TEST_TOKEN, a token of a Modal account/);
    assert.doesNotMatch(text, /harmless-value/);
  });

  it('asks once, by name, before a task gets the value of a variable of this computer', async () => {
    const asked = (answer: string | undefined, run: () => ReturnType<typeof runOwn>) =>
      answering(answer === undefined ? {} : { showWarningMessage: answer }, run);
    const runs = [() => runOwn('local variable'), () => runInSandbox('local variable by a setting')];
    const question = (name: string) => permissionTexts.taskQuestion(name, 'tasks');
    const [first, other] = ['local variable', 'local variable by a setting'] as const;
    for (const [index, run] of runs.entries()) {
      const { result, messages } = await asked(undefined, run);
      assert.deepEqual(messages, [question(index === 0 ? first : other)]);
      assert.doesNotMatch(result.text, /from here/);
      assert.notEqual(result.exitCode, 0);
    }
    for (const [index, run] of runs.entries()) {
      const { result, messages } = await asked(permissionStrings.allow(), run);
      assert.deepEqual(messages, index === 0 ? [question(first)] : []);
      assert.match(result.text, /^v=from here$/m);
    }
  });

  it('pulls exactly the files that a task names when it ends', async () => {
    const code = vscode.commands.registerCommand('test.code', () => '3');
    const root = vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri;
    const read = (path: string) =>
      vscode.workspace.fs.readFile(vscode.Uri.joinPath(root, path)).then(
        (bytes) => new TextDecoder().decode(bytes),
        () => undefined,
      );
    const first = await runOwn('outputs');
    assert.match(first.text, /^● Pulled 2 files; nothing in the sandbox matches no-such\/\*\.\n● Exited with code 3/m);
    assert.deepEqual(
      [await read('out/1.txt'), await read('out/deep/2.txt'), await read('elsewhere.txt'), first.exitCode],
      ['one\n', 'two\n', undefined, 3],
    );
    code.dispose();
  });

  it("waits for the tasks that a task depends on, and doesn't run it after a failure", async () => {
    assert.match((await runOwn('second')).text, /^first\nsecond$/m);
    const failed = await ownTask('after a failure');
    const ended: string[] = [];
    const listener = vscode.tasks.onDidEndTaskProcess(({ execution }) => ended.push(execution.task.name));
    // VS Code asks whether to run it anyway, and doesn't until the question is answered.
    void vscode.tasks.executeTask(failed).then(undefined, () => {});
    await eventually(
      'the task that fails',
      () => ended,
      (names) => names.includes('own'),
    );
    listener.dispose();
    assert.deepEqual(ended, ['own']);
  });

  it('runs a background task whose matcher reports when dependent tasks can start', async () => {
    const { exitCode, text } = await runOwn('with the watcher');
    assert.equal(exitCode, 0);
    assert.match(text, /^ready for work\n[\s\S]*^beside it$/m);
    const watcher = await waitForTask('watch');
    const ended = new Promise<number | undefined>((resolve) => {
      const listener = vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
        if (execution.task.name !== 'watch') return;
        listener.dispose();
        resolve(exitCode);
      });
    });
    watcher.terminate();
    await ended;
    await waitForTasks();
  });

  it('shows tasks as their presentation in tasks.json specifies', async () => {
    const { presentationOptions } = await ownTask('silent');
    const { reveal, panel, focus, clear } = presentationOptions;
    assert.deepEqual(
      [reveal, panel, focus, clear],
      [vscode.TaskRevealKind.Never, vscode.TaskPanelKind.Shared, true, false],
    );
    assert.equal((await runOwn('silent')).exitCode, 0);
  });

  it("reports which property of a task isn't valid", async () => {
    const { exitCode, text } = await runOwn('wrong');
    assert.match(text, /● “args” in the task isn't valid: .*expected array.* Fix it in tasks\.json/);
    assert.equal(exitCode, 1);
    assert.match((await runOwn('nothing')).text, /specify exactly one of “file”, “command”, or “script”/);
  });

  it('offers a task for each script in package.json', async () => {
    const tasks = await vscode.tasks.fetchTasks({ type: 'modal' });
    const script = tasks.find(({ name }) => name === 'npm run hello');
    assert.deepEqual(script?.definition, { type: 'modal', command: 'npm', args: ['run', 'hello'] });
  });
});

describe('Run Task in Sandbox', () => {
  it('runs a shell task whose problem matcher marks the local file', async () => {
    const uri = vscode.Uri.joinPath(vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri, 'broken.ts');
    const { exitCode } = await runInSandbox('compile');
    assert.equal(exitCode, 0);
    const isMarked = ({ message }: vscode.Diagnostic) => message === 'It is broken.';
    const problem = (await waitForProblems(uri, (problems) => problems.some(isMarked))).find(isMarked);
    assert.deepEqual([problem?.range.start.line, problem?.range.start.character], [1, 2]);
  });

  it('replaces the problems of a matcher with a custom pattern at each run', async () => {
    const uri = vscode.Uri.joinPath(vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri, 'broken.ts');
    for (const _ of ['first', 'second']) {
      assert.equal((await runInSandbox('own pattern')).exitCode, 0);
      const found = await waitForProblems(uri, ({ length }) => length === 2, 'linter');
      assert.deepEqual(
        found.map(({ range: { start }, severity, message }) => [start.line, start.character, severity, message]),
        [
          [0, 4, vscode.DiagnosticSeverity.Warning, 'Look here.'],
          [1, 0, vscode.DiagnosticSeverity.Error, 'And here.'],
        ],
      );
    }
  });

  it('keeps the problems that another task with the same owner has found in the meantime', async () => {
    const uri = vscode.Uri.joinPath(vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri, 'args.py');
    const waiting = runInSandbox('waits for another');
    await waitForTask('waits for another');
    await Promise.all([waiting, runInSandbox('releases it')]);
    await waitForProblems(uri, ({ length }) => length === 1, 'both');
  });

  it('marks no file outside the workspace that the output of a program names', async () => {
    const broken = vscode.Uri.joinPath(vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri, 'broken.ts');
    assert.equal((await runInSandbox('own pattern')).exitCode, 0);
    await waitForProblems(broken, ({ length }) => length === 2, 'linter');
    for (const outside of [vscode.Uri.file('/etc/hosts'), vscode.Uri.joinPath(broken, '../../x')])
      assert.deepEqual(await waitForProblems(outside, ({ length }) => length === 0, 'linter'), []);
  });

  it('passes on quoted arguments, inputs, the folder, and variables', async () => {
    const word = vscode.commands.registerCommand('test.word', () => 'spoken');
    const { text } = await runInSandbox('quoted');
    word.dispose();
    assert.match(text, /^\$HOME is\|spoken\|tasks\|/m);
  });

  it('sends no token of a Modal account', async () => {
    const { text } = await runInSandbox('token of a shell');
    assert.match(text, /contains the value of MODAL_TEST_TOKEN, a token of a Modal account/);
    assert.doesNotMatch(text, /harmless-value/);
  });

  it("runs a process task with the sandbox's paths", async () => {
    const { exitCode, text } = await runInSandbox('process');
    assert.match(text, /^print\(sys\.argv\[1:\], sys\.stdout\.isatty\(\)\)$/m);
    assert.equal(exitCode, 0);
  });
});
