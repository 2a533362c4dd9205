import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import * as vscode from 'vscode';
import { waitFor } from '../../helpers/wait-for.ts';
import { activate, closeTerminals, runningTasks, waitForAllProblems } from '../extension-under-test.ts';

/** How many tasks run at once. */
const MAX_PARALLEL = 6;
/** Tasks with an input run alone: VS Code sometimes never starts one while it starts others. */
const ALONE = ['input', 'input-line', 'env', 'shell-login'];
const TASK_TIMEOUT_MS = 120_000;
/** How many problems VS Code itself finds. */
const NATIVE_PROBLEMS = 26;

interface Result {
  exitCode: number | undefined;
  /** What the program saw, with the sandbox's paths. */
  report: unknown;
}
/** The results of tasks, by name. */
type Results = Map<string, Result>;

const root = () => vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? assert.fail('a folder is open');

/** Starts tasks, a few at a time. Resolves with their exit codes, by name. */
async function runAll(
  names: readonly string[],
  start: (name: string) => Thenable<unknown>,
  maxParallel = MAX_PARALLEL,
): Promise<Map<string, number | undefined>> {
  const exitCodes = new Map<string, number | undefined>();
  const listening = vscode.tasks.onDidEndTaskProcess(({ execution: { task }, exitCode }) => {
    exitCodes.set(task.name, exitCode);
  });
  const worker = async (queue: string[]) => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const own = name;
      // If a task doesn't end, the error names it and those that are running.
      const ended = waitFor(
        `the end of the task ${own}`,
        TASK_TIMEOUT_MS,
        async () => ({ hasEnded: exitCodes.has(own), running: runningTasks() }),
        ({ hasEnded }) => hasEnded,
      );
      await Promise.all([start(own), ended]);
    }
  };
  await worker(names.filter((name) => ALONE.includes(name)));
  const others = names.filter((name) => !ALONE.includes(name));
  await Promise.all(Array.from({ length: maxParallel }, () => worker(others)));
  listening.dispose();
  return exitCodes;
}

/** Puts the sandbox's paths in place of the local ones. */
function withRemotePaths(text: string): unknown {
  return JSON.parse(text.replaceAll(root(), '/workspace'));
}

async function runNatively(tasks: readonly vscode.Task[], maxParallel = MAX_PARALLEL): Promise<Results> {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  const start = (name: string) => vscode.tasks.executeTask(byName.get(name) as vscode.Task);
  const exitCodes = await runAll([...byName.keys()], start, maxParallel);
  const reports = join(root(), 'reports');
  const results: Results = new Map();
  for (const name of byName.keys()) {
    const text = await readFile(join(reports, `${caseOf(name)}.json`), 'utf8').catch(() => 'null');
    results.set(name, { exitCode: exitCodes.get(name), report: withRemotePaths(text) });
  }
  await rm(reports, { recursive: true, force: true });
  return results;
}

async function runInSandbox(names: readonly string[]): Promise<Results> {
  const api = await activate();
  const texts = new Map<string, string>();
  const output = api.onDidWriteOutput(({ runId, data }) => texts.set(runId, (texts.get(runId) ?? '') + data));
  const exitCodes = await runAll(names, (name) => vscode.commands.executeCommand('modal.runTask', name));
  output.dispose();
  const reports = new Map<string, unknown>();
  for (const text of texts.values())
    for (const [, json] of stripVTControlCharacters(text).matchAll(/<<(.*?)>>/gs)) {
      const report = withRemotePaths(json?.replaceAll(/\r?\n/g, '') ?? '') as { argv: string[] };
      reports.set(report.argv[0] ?? '', report);
    }
  return new Map(
    names.map((name) => [name, { exitCode: exitCodes.get(name), report: reports.get(caseOf(name)) ?? null }]),
  );
}

/** The name by which a task's program reports. */
function caseOf(name: string): string {
  if (name === 'command-config') return 'no-arguments';
  return name.startsWith('label ') ? 'label-variable' : name;
}

/** Waits until there are so many problems, and describes them. */
async function problems(count: number): Promise<string[]> {
  const files = await waitForAllProblems(count);
  return files.flatMap(([uri, found]) =>
    found.map(({ range: { start, end }, severity, source, code, message }) => {
      const place = [start.line, start.character, end.line, end.character].join(':');
      return [vscode.workspace.asRelativePath(uri), place, severity, source, code, message].join('|');
    }),
  );
}

describe('A table of tasks, run by VS Code itself and in the sandbox', () => {
  let tasks: vscode.Task[];
  let native: Results;
  let remote: Results;
  let nativeProblems: string[];

  before(async function () {
    this.timeout(480_000);
    const words = vscode.commands.registerCommand('test.words', () => 'two words');
    const file = vscode.Uri.joinPath(
      vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri,
      'sub dir',
      'a file.txt',
    );
    await vscode.window.showTextDocument(file);
    const all = await vscode.tasks.fetchTasks();
    tasks = all.filter(({ source }) => source === 'Workspace');
    native = await runNatively(tasks);
    // On a busy computer, VS Code itself misses lines of a task that ends. Those of a matcher without an owner would add up.
    const withProblems = tasks.filter(({ name }) => /^(matcher-(?!absolute)|label|lint)/.test(name));
    const again = async () => {
      await runNatively(withProblems, 1);
      return problems(NATIVE_PROBLEMS);
    };
    nativeProblems = await problems(NATIVE_PROBLEMS).catch(again).catch(again);
    // Each task gets a new terminal, not that of a task which VS Code itself has run.
    await closeTerminals();
    remote = await runInSandbox(tasks.map(({ name }) => name));
    words.dispose();
  });

  it('has at least 40 tasks', () => assert.ok(tasks.length >= 40, `${tasks.length}`));

  it('ends with the same exit codes, and shows the programs the same arguments, folders, variables, and input', () => {
    const table = (results: Results) => Object.fromEntries(results);
    assert.deepEqual(table(remote), table(native));
  });

  it('finds the same problems', async () => {
    const twice = [...nativeProblems, ...nativeProblems].sort();
    const found = (await problems(twice.length)).sort();
    assert.deepEqual(found, twice);
  });
});
