/** The ways in which a user starts code of a project. Each takes a text that says what to start. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import * as vscode from 'vscode';
import { strings as permissionStrings } from '../../../src/providers/permissions/strings.ts';
import {
  activate,
  answering,
  printed,
  type RunResult,
  textOf,
  waitForTasks,
  waitForTerminals,
  withSetting,
} from '../extension-under-test.ts';

/** What a user sees. */
export interface Seen {
  readonly exitCode: number | undefined;
  /** The lines of the terminal, without those that every run has, and then the messages. */
  readonly lines: readonly string[];
}

/** The extension's own lines that every run has. */
const USUAL = /^● (?:Started sandbox|Synced|Up to date|Exited with code)/;

export function fileOf(project: string, path: string): vscode.Uri {
  return vscode.Uri.joinPath(folderNamed(project).uri, path);
}

function folderNamed(project: string): vscode.WorkspaceFolder {
  const folder = vscode.workspace.workspaceFolders?.find(({ name }) => name === project);
  assert.ok(folder, `the workspace has a folder ${project}`);
  return folder;
}

/** Returns what a command that resolves with a run's result shows. */
async function run(command: string, args: readonly unknown[] = [], typed?: string): Promise<Seen> {
  let exitCode: number | undefined;
  const { result: text, messages } = await answering(typed === undefined ? {} : { showInputBox: typed }, () =>
    textOf(async () => {
      ({ exitCode } = await vscode.commands.executeCommand<RunResult>(command, ...args));
    }),
  );
  const asked = typed === undefined ? 0 : 1;
  return { exitCode, lines: [...linesOf(text), ...messages.slice(asked)] };
}

function linesOf(text: string): string[] {
  return (
    stripVTControlCharacters(text)
      .split(/\r?\n/)
      // What was there before a carriage return has been replaced.
      .map((line) => line.trimEnd().replace(/^.*\r/, ''))
      .filter((line) => line !== '' && !USUAL.test(line))
  );
}

/** ▷ in the title bar of the editor. */
async function activeFile(project: string, path: string): Promise<Seen> {
  await vscode.window.showTextDocument(fileOf(project, path));
  return run('modal.runActiveFile');
}

/** “Run in Sandbox” in the context menu of the Explorer. */
const explorer = (project: string, path: string) => run('modal.runFile', [fileOf(project, path)]);

/** “Run Active File with Arguments…”, with the arguments after the first blank. */
function withArguments(project: string, what: string): Promise<Seen> {
  const [path = '', ...args] = what.split(' ');
  return run('modal.runWithArguments', [fileOf(project, path)], args.join(' '));
}

/** The code lenses of a file that run something, with the line that each is on. */
async function lensesOf(project: string, path: string) {
  const uri = fileOf(project, path);
  const document = await vscode.workspace.openTextDocument(uri);
  const found = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri);
  return found.flatMap(({ command, range }) =>
    command?.command === 'modal.runTarget' ? [{ command, line: document.lineAt(range.start.line).text.trim() }] : [],
  );
}

/** A code lens: that of the first line that contains a text, as in `path @ text`. */
async function lens(project: string, what: string): Promise<Seen> {
  const [path = '', text = ''] = what.split(' @ ');
  const command = (await lensesOf(project, path)).find(({ line }) => line.includes(text))?.command;
  assert.ok(command, `there is a code lens on ${what}`);
  return run(command.command, command.arguments);
}

/** Looks at the code lenses of a file. */
async function lenses(project: string, path: string): Promise<Seen> {
  const found = await lensesOf(project, path);
  const lines = found.map(
    ({ command, line }) => `${command.title.replace(/^\$\(play\) | in Sandbox.*/g, '')} | ${line}`,
  );
  return { exitCode: 0, lines };
}

/** “Run Selection or Line in Sandbox”, of `path:first-last`, or of the statement at `path:line`. Lines start at 1. */
async function selection(project: string, what: string): Promise<Seen> {
  const [, path = '', first = '', last] = /^(.*):(\d+)(?:-(\d+))?$/.exec(what) ?? [];
  const editor = await vscode.window.showTextDocument(fileOf(project, path));
  const start = Number(first) - 1;
  editor.selection = new vscode.Selection(start, 0, last === undefined ? start : Number(last), 0);
  return run('modal.runSelection');
}

/** Returns what a task and those that it depends on show. The exit code is that of the task itself. */
async function taskOf(name: string, start: () => Thenable<unknown>): Promise<Seen> {
  let exitCode: number | undefined;
  const listening = vscode.tasks.onDidEndTaskProcess((event) => {
    if (event.execution.task.name === name) exitCode = event.exitCode;
  });
  const { result: text, messages } = await answering({ showWarningMessage: permissionStrings.allow() }, () =>
    textOf(async () => {
      await start();
      await waitForTasks();
    }),
  );
  listening.dispose();
  return { exitCode, lines: [...linesOf(text), ...messages] };
}

/** “Run Task in Sandbox…” with a task of tasks.json, or a script of package.json. */
const task = (_project: string, name: string) =>
  taskOf(name, () => vscode.commands.executeCommand('modal.runTask', name));

/** VS Code's own “Run Task” with a task of type `modal`. */
async function modalTask(project: string, name: string): Promise<Seen> {
  const all = await vscode.tasks.fetchTasks({ type: 'modal' });
  const found = all.find((each) => each.name === name && each.scope === folderNamed(project));
  assert.ok(found, `there is a task ${name}`);
  return taskOf(name, () => vscode.tasks.executeTask(found));
}

/** The list of “Run Task in Sandbox…”, of which nothing is chosen: the entries with this name. */
async function taskList(_project: string, name: string): Promise<Seen> {
  const { showQuickPick } = vscode.window;
  let lines: string[] = [];
  const show = async (items: readonly vscode.QuickPickItem[]) => {
    lines = items.filter(({ label }) => label === name).map(({ description }) => description ?? '');
    return undefined;
  };
  Object.assign(vscode.window, { showQuickPick: show });
  await vscode.commands.executeCommand('modal.runTask').then(undefined, () => {});
  Object.assign(vscode.window, { showQuickPick });
  return { exitCode: undefined, lines };
}

/** A line in a terminal in the sandbox of the active file's folder, as in `active file @ line`. */
async function terminal(project: string, what: string): Promise<Seen> {
  const [path = '', line = ''] = what.split(' @ ');
  await vscode.window.showTextDocument(fileOf(project, path));
  const text = await textOf(async () => {
    await vscode.commands.executeCommand('modal.openTerminal');
    const [shell] = await waitForTerminals('Modal Sandbox', 1);
    shell?.sendText(`${line}; echo end $((1 + 1)); exit`);
    await waitForTerminals('Modal Sandbox', 0);
  });
  // Without prompts and what was typed, which a shell may repeat.
  const lines = linesOf(text).filter((each) => !each.includes('$((') && !/[#$]$/.test(each));
  return { exitCode: undefined, lines: lines.slice(0, lines.indexOf('end 2')) };
}

/** “Pull Files from Sandbox…” with a pattern, as in `active file @ pattern`. */
async function pull(project: string, what: string): Promise<Seen> {
  const [path = '', pattern = ''] = what.split(' @ ');
  await vscode.window.showTextDocument(fileOf(project, path));
  const { messages } = await answering({}, async () => vscode.commands.executeCommand('modal.pull', [pattern]));
  return { exitCode: undefined, lines: messages };
}

/** “Explain Sync Status” in the context menu of the Explorer. */
async function explain(project: string, path: string): Promise<Seen> {
  const { result } = await answering({}, async () =>
    vscode.commands.executeCommand<string>('modal.whySynced', fileOf(project, path)),
  );
  return { exitCode: undefined, lines: [result] };
}

/** Live sync: saves a file once the program has printed a word, as in `program word @ file text`. */
function liveSync(project: string, what: string): Promise<Seen> {
  const [[program = '', word = ''] = [], [file = '', text = ''] = []] = what
    .split(' @ ')
    .map((each) => each.split(' '));
  return withSetting('sync.live', true, async () => {
    const started = printed(word);
    const ended = run('modal.runWithArguments', [fileOf(project, program)], file);
    await started;
    await writeFile(fileOf(project, file).fsPath, `first\n${text}\n`);
    return ended;
  });
}

/** The API for other extensions, which uses the window's first folder. */
async function api(_project: string, code: string): Promise<Seen> {
  const { returncode, stdout, stderr } = await (await activate()).execute(code);
  return { exitCode: returncode, lines: linesOf(stdout + stderr) };
}

export const DOORS = {
  activeFile,
  explorer,
  withArguments,
  lens,
  lenses,
  selection,
  task,
  modalTask,
  taskList,
  terminal,
  pull,
  explain,
  liveSync,
  api,
};
export type Door = keyof typeof DOORS;

/** Returns the text of a file that came back; undefined if there is none. */
export async function textOfFile(project: string, path: string): Promise<string | undefined> {
  return vscode.workspace.fs.readFile(fileOf(project, path)).then(
    (bytes) => new TextDecoder().decode(bytes),
    () => undefined,
  );
}
