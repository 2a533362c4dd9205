import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { strings } from '../../../src/providers/run/strings.ts';
import {
  answering,
  eventually,
  printed,
  textOf,
  waitForProblems,
  waitForTask,
  waitForTasks,
  withSetting,
} from '../extension-under-test.ts';

/** Runs a task until all tasks that it starts have ended. Resolves with their names, in order, and what they showed. */
async function runWithDependencies(name: string): Promise<{ ended: string[]; text: string }> {
  const ended: string[] = [];
  const listening = vscode.tasks.onDidEndTask(({ execution }) => ended.push(execution.task.name));
  const text = await textOf(async () => {
    await vscode.commands.executeCommand('modal.runTask', name);
    await waitForTasks();
  });
  listening.dispose();
  return { ended, text };
}

/** Returns the messages that running a task shows, and the tasks that it has started. */
async function messagesOf(name: string): Promise<{ messages: string[]; started: string[] }> {
  const started: string[] = [];
  const listening = vscode.tasks.onDidStartTask(({ execution }) => started.push(execution.task.name));
  const { messages } = await answering({}, async (shown) => {
    await vscode.commands.executeCommand('modal.runTask', name);
    await eventually(
      'a message',
      () => shown.length,
      (count) => count > 0,
    );
  });
  listening.dispose();
  return { messages, started };
}

describe('Tasks that depend on others, in the sandbox', () => {
  it('runs what a task depends on before it, each task once', async () => {
    const { ended, text } = await runWithDependencies('after steps');
    assert.deepEqual(ended, ['step 1', 'step 2', 'after steps']);
    assert.match(text, /^step 1\nstep 2\nall done$/m);
  });

  it('runs a task that only depends on others, in their order, also the scripts of package.json', async () => {
    const { ended, text } = await runWithDependencies('only steps');
    assert.deepEqual(ended, ['step 1', 'step 2', 'hello']);
    assert.match(text, /from npm$/m);
    await runWithDependencies('after steps');
  });

  it("doesn't run a task after a failure of another that it depends on", async () => {
    const { ended } = await runWithDependencies('after step 3');
    assert.deepEqual(ended.sort(), ['first', 'step 3']);
  });

  it('runs a task once that several depend on, however they name it', async () => {
    const { ended, text } = await runWithDependencies('diamond');
    assert.deepEqual(ended.slice(0, -1).sort(), ['hello', 'left', 'right', 'step 1']);
    assert.match(text, /^1$/m);
  });

  it('ends a sequence at its first failure', async () => {
    assert.deepEqual((await runWithDependencies('broken sequence')).ended, ['step 3']);
  });

  it('runs a task when the background task that it depends on is ready, and shows the problems of that until it ends', async () => {
    const connected = printed('connected');
    await vscode.commands.executeCommand('modal.runTask', 'client');
    await connected;
    const server = await waitForTask('server');
    assert.equal(server.task.isBackground, true);
    const uri = vscode.Uri.joinPath(vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri, 'broken.ts');
    await waitForProblems(uri, ([problem]) => problem?.message === 'x', 'server');
    // The running one counts for the next run.
    await waitForTasks('server');
    assert.match(
      await textOf(() => vscode.commands.executeCommand('modal.runTask', 'client').then(() => waitForTasks('server'))),
      /^connected$/m,
    );
    server.terminate();
    await waitForTasks();
    await waitForProblems(uri, (problems) => problems.length === 0, 'server');
  });

  it('finds the file of a problem by its name, if the matcher says so', async () => {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri;
    await runWithDependencies('searched');
    const found = vscode.Uri.joinPath(folder, 'sub', 'keep.txt');
    await waitForProblems(found, ([problem]) => problem?.message === 'Found.', 'search');
  });

  it("starts nothing if tasks depend on themselves, or on one that doesn't exist", async () => {
    assert.deepEqual(await messagesOf('circle'), { messages: [strings.dependencyCycle('circle')], started: [] });
    assert.deepEqual(await messagesOf('without its half'), {
      messages: [strings.noDependency('without its half', 'no such half')],
      started: [],
    });
  });
});

describe('The presentation and number of tasks in the sandbox', () => {
  it('follows tasks.json', async () => {
    const running: vscode.TaskExecution[] = [];
    const listening = vscode.tasks.onDidStartTask(({ execution }) => running.push(execution));
    const start = async () => {
      const up = printed('now up');
      await vscode.commands.executeCommand('modal.runTask', 'presented');
      await up;
    };
    await start();
    await waitForTasks('presented');
    const { task } = await waitForTask('presented');
    const { reveal, panel, focus, echo, clear, close } = task.presentationOptions as vscode.TaskPresentationOptions & {
      echo: boolean;
    };
    assert.deepEqual(
      { reveal, panel, focus, echo, clear, close },
      {
        reveal: vscode.TaskRevealKind.Silent,
        panel: vscode.TaskPanelKind.New,
        focus: true,
        echo: false,
        clear: false,
        close: true,
      },
    );
    await start();
    await waitForTasks('presented', 'presented');
    const { messages } = await messagesOf('presented');
    assert.deepEqual(messages, [strings.instanceLimit('presented', 2)]);
    listening.dispose();
    for (const execution of running) execution.terminate();
    await waitForTasks();
  });
});

describe('Tasks in a workspace of which only a subfolder is synced', () => {
  it('runs a task in the synced folder, which is the workspace folder there', async () => {
    await withSetting('sync.root', 'sub', async () => {
      assert.match((await runWithDependencies('where')).text, /^in \/workspace, \/workspace$/m);
    });
  });

  it("explains which path of a task isn't in the sandbox, before anything starts", async () => {
    await withSetting('sync.root', 'sub', async () => {
      const { text } = await runWithDependencies('beside');
      assert.match(text, /“.*\/args\.py” isn't in the sandbox, because it's outside the synced folder/);
      assert.match((await runWithDependencies('in another folder')).text, /“.*\/\.vscode” isn't in the sandbox/);
    });
  });
});
