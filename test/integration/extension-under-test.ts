import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import * as vscode from 'vscode';
import type { SandboxesApi } from '../../src/api/api.ts';
import type { RunResult } from '../../src/run/result.ts';
import { waitFor } from '../helpers/wait-for.ts';

export type { RunResult };

/** Returns the API of the extension, which is activated on first use. */
export async function activate(): Promise<SandboxesApi> {
  const extension = vscode.extensions.getExtension<SandboxesApi>('modal-sandboxes.modal-sandboxes');
  assert.ok(extension, 'VS Code has loaded the extension');
  return extension.activate();
}

/** Returns the text that runs show while `action` runs, without colors. */
export async function textOf(action: () => Thenable<unknown>): Promise<string> {
  const api = await activate();
  let text = '';
  const listening = api.onDidWriteOutput(({ data }) => (text += data));
  try {
    await action();
    return stripVTControlCharacters(text).replaceAll('\r\n', '\n');
  } finally {
    listening.dispose();
  }
}

/** Resolves when a run has printed a text. */
export async function printed(text: string): Promise<void> {
  const api = await activate();
  let said = '';
  await new Promise<void>((resolve) => {
    const listening = api.onDidWriteOutput(({ data }) => {
      said += data;
      if (!said.includes(text)) return;
      listening.dispose();
      resolve();
    });
  });
}

/** Runs a file with the command. Resolves with its result and the text of its terminal. */
export async function runFile(uri: vscode.Uri | undefined): Promise<RunResult & { text: string }> {
  let result: RunResult = { outcome: 'canceled' };
  const text = await textOf(async () => {
    result = await vscode.commands.executeCommand<RunResult>('modal.runActiveFile', uri);
  });
  return { ...result, text };
}

/** Writes a file into the workspace's first folder. */
export async function writeWorkspaceFile(path: string, content: string | Uint8Array): Promise<vscode.Uri> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, 'the workspace has a folder');
  const uri = vscode.Uri.joinPath(folder.uri, path);
  await vscode.workspace.fs.writeFile(uri, Buffer.from(content));
  return uri;
}

/** Writes a file outside the workspace. */
export async function writeOutsideFile(path: string, content: string): Promise<vscode.Uri> {
  const uri = vscode.Uri.file(join(tmpdir(), `outside-${process.pid}`, path));
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(content));
  after(() => rmSync(join(tmpdir(), `outside-${process.pid}`), { recursive: true, force: true }));
  return uri;
}

/** The functions of VS Code that show something which the user may answer. */
const QUESTIONS = [
  'showErrorMessage',
  'showInformationMessage',
  'showWarningMessage',
  'showInputBox',
  'showQuickPick',
] as const;

type Shower = (typeof QUESTIONS)[number];

/** The first argument of a message, an input box, or a quick pick. */
type Asked = string | { title: string } | object[];

/**
 * Answers VS Code's messages (with a button), input boxes (with a text), and quick picks (with `all`, `first`, or a row's text) while
 * `action` runs. `action` receives the messages so far. Resolves with its result and all messages.
 */
export async function answering<T>(
  answers: Partial<Record<Shower, string>>,
  action: (messages: readonly string[]) => Promise<T>,
): Promise<{ result: T; messages: string[] }> {
  const window = vscode.window as unknown as Record<Shower, (message: Asked) => Promise<unknown>>;
  const originals = QUESTIONS.map((shower) => [shower, window[shower]] as const);
  const messages: string[] = [];
  for (const shower of QUESTIONS) {
    window[shower] = async (message) => {
      if (Array.isArray(message)) {
        const answer = answers[shower];
        if (answer === 'all') return message;
        if (answer === 'first') return message[0];
        return answer && (message as vscode.QuickPickItem[]).find(({ label }) => label.includes(answer));
      }
      messages.push(typeof message === 'string' ? message : message.title);
      return answers[shower];
    };
  }
  const { createQuickPick } = vscode.window;
  Object.assign(vscode.window, { createQuickPick: () => answeredPick(answers.showQuickPick) });
  try {
    return { result: await action(messages), messages };
  } finally {
    Object.assign(vscode.window, { createQuickPick });
    for (const [shower, original] of originals) window[shower] = original;
  }
}

/** Answers VS Code's file dialog with a path while `action` runs. */
export async function choosingPath<T>(path: string, action: () => Promise<T>): Promise<T> {
  const { showOpenDialog } = vscode.window;
  Object.assign(vscode.window, { showOpenDialog: async () => [vscode.Uri.file(path)] });
  try {
    return await action();
  } finally {
    Object.assign(vscode.window, { showOpenDialog });
  }
}

/**
 * Reads a value until `holds` accepts it, and returns it. Extensions learn about changes of editors, tabs, terminals,
 * tasks, and problems some time after the command that caused them, so tests read these with this function and never
 * just once.
 */
export function eventually<T>(what: string, read: () => T | Promise<T>, holds: (value: T) => boolean): Promise<T> {
  return waitFor(what, 30_000, async () => read(), holds);
}

/** Returns the names of the tasks that VS Code runs at this moment, for what `eventually` reads. */
export function runningTasks(): string[] {
  return vscode.tasks.taskExecutions.map(({ task }) => task.name);
}

/** Waits until the problems of a file, or only those from `source`, match, and returns them. */
export function waitForProblems(
  uri: vscode.Uri,
  holds: (problems: readonly vscode.Diagnostic[]) => boolean,
  source?: string,
): Promise<vscode.Diagnostic[]> {
  const isWanted = (each: vscode.Diagnostic) => source === undefined || each.source === source;
  return eventually(`problems of ${uri.path}`, () => vscode.languages.getDiagnostics(uri).filter(isWanted), holds);
}

/** Waits until all files together have so many problems, and returns them. */
export function waitForAllProblems(count: number): Promise<[vscode.Uri, vscode.Diagnostic[]][]> {
  return eventually(
    `${count} problems`,
    () => vscode.languages.getDiagnostics(),
    (files) => files.flatMap(([, found]) => found).length >= count,
  );
}

/** Waits until the document of the active editor matches, and returns it. */
export async function waitForActiveDocument(
  what: string,
  holds: (document: vscode.TextDocument) => boolean,
): Promise<vscode.TextDocument> {
  const active = () => vscode.window.activeTextEditor?.document;
  const isWanted = (document = active()) => document !== undefined && holds(document);
  await eventually(
    what,
    () => ({ uri: `${active()?.uri}`, isWanted: isWanted() }),
    (seen) => seen.isWanted,
  );
  return active() as vscode.TextDocument;
}

/** Waits until the active tab compares two files, and returns its title. */
export async function waitForDiff(original: vscode.Uri, modified: vscode.Uri): Promise<string> {
  const compared = () => {
    const { label = '', input } = vscode.window.tabGroups.activeTabGroup.activeTab ?? {};
    return { label, sides: input instanceof vscode.TabInputTextDiff ? `${input.original},${input.modified}` : '' };
  };
  return (await eventually('the diff', compared, ({ sides }) => sides === `${original},${modified}`)).label;
}

/** Waits until a task of this name runs, and returns its execution. */
export async function waitForTask(name: string): Promise<vscode.TaskExecution> {
  const find = () => vscode.tasks.taskExecutions.find(({ task }) => task.name === name);
  await eventually(`the task ${name}`, () => find() !== undefined, Boolean);
  return find() ?? assert.fail(`The task ${name} has ended.`);
}

/** Waits until exactly the tasks with these names are running. */
export async function waitForTasks(...names: string[]): Promise<void> {
  await eventually(`the tasks [${names}]`, runningTasks, (found) => found.join() === names.join());
}

/** Closes all terminals of the window. */
export async function closeTerminals(): Promise<void> {
  for (const terminal of vscode.window.terminals) terminal.dispose();
  await eventually(
    'the terminals to close',
    () => vscode.window.terminals.length,
    (length) => length === 0,
  );
}

/** Waits until this number of terminals have a name, and returns them. */
export async function waitForTerminals(name: string, count: number): Promise<vscode.Terminal[]> {
  const found = () => vscode.window.terminals.filter((each) => each.name === name);
  await eventually(
    `${count} terminals “${name}”`,
    () => found().length,
    (length) => length === count,
  );
  return found();
}

/**
 * Creates a quick pick that is answered as soon as it is shown: with `all` items, with the `first`, or by canceling.
 */
function answeredPick(answer: string | undefined) {
  let accept = () => {};
  let hidden = () => {};
  const pick = {
    items: [] as readonly vscode.QuickPickItem[],
    selectedItems: [] as readonly vscode.QuickPickItem[],
    onDidAccept: (listener: () => void) => (accept = listener),
    onDidHide: (listener: () => void) => (hidden = listener),
    onDidTriggerItemButton: () => {},
    hide: () => hidden(),
    dispose: () => {},
    show: () => {
      if (answer === undefined) return hidden();
      pick.selectedItems = answer === 'all' ? pick.items : pick.items.slice(0, 1);
      accept();
    },
  };
  return pick;
}

/** Changes a setting while `action` runs. */
export async function withSetting<T>(key: string, value: unknown, action: () => Promise<T>): Promise<T> {
  const configuration = vscode.workspace.getConfiguration('modal');
  const before = configuration.inspect(key)?.globalValue;
  await configuration.update(key, value, vscode.ConfigurationTarget.Global);
  try {
    return await action();
  } finally {
    await configuration.update(key, before, vscode.ConfigurationTarget.Global);
  }
}
