import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import * as vscode from 'vscode';
import { strings } from '../../../src/providers/run/strings.ts';
import {
  activate,
  answering,
  closeTerminals,
  eventually,
  type RunResult,
  waitForTerminals,
  writeWorkspaceFile,
} from '../extension-under-test.ts';

/** Opens a file with selections. */
async function select(name: string, content: string, ...selections: [number, number, number, number][]) {
  const uri = await writeWorkspaceFile(name, content);
  const editor = await vscode.window.showTextDocument(uri);
  // A document that was open already is updated from disk a moment later.
  await eventually(
    `the content of ${name}`,
    () => editor.document.getText(),
    (text) => text === content,
  );
  editor.selections = selections.map((each) => new vscode.Selection(...each));
  return editor;
}

/** Runs the active editor's selection. Resolves with the result and the text that its terminal shows meanwhile. */
async function runSelection(): Promise<RunResult & { text: string }> {
  const api = await activate();
  let text = '';
  const listening = api.onDidWriteOutput(({ data }) => (text += data));
  const result = await vscode.commands.executeCommand<RunResult>('modal.runSelection');
  listening.dispose();
  return { ...result, text: stripVTControlCharacters(text).replaceAll('\r\n', '\n') };
}

describe('Run Selection or Line in Sandbox', () => {
  after(closeTerminals);

  it('keeps what a Python selection defines for the next one, in one terminal', async () => {
    await select('sel.py', 'x = 20\ny = x + 1\nx + y\n', [0, 0, 2, 0]);
    const first = await runSelection();
    assert.equal(first.exitCode, 0);
    assert.match(first.text, /^>>> x = 20\n\.\.\. y = x \+ 1\n● (Started|Synced) /);
    const second = await select('sel.py', 'x = 20\ny = x + 1\nx + y\n', [2, 0, 2, 5]).then(runSelection);
    assert.match(second.text, /^>>> x \+ y\n41\n$/);
    await waitForTerminals('Modal Python', 1);
  });

  it('runs the statement at the cursor if nothing is selected, and moves the cursor to the next one', async () => {
    const content = 'def f(a):\n    if a:\n        return "yes"\n\n\nprint(f(1))\n';
    const editor = await select('statement.py', content, [2, 4, 2, 4]);
    assert.match((await runSelection()).text, /^>>> def f\(a\):\n\.\.\. {5}if a:\n\.\.\. {9}return "yes"\n/);
    assert.equal(editor.selection.active.line, 5);
    assert.match((await runSelection()).text, /^>>> print\(f\(1\)\)\nyes\n$/);
    assert.equal(editor.selection.active.line, 6);
  });

  it("runs an indented block, with the file's line numbers in tracebacks", async () => {
    const content = '\nif True:\n    z = 1\n    z / 0\n';
    await select('indented.py', content, [2, 4, 3, 9]);
    const { exitCode, text } = await runSelection();
    assert.match(text, /^>>> z = 1\n\.\.\. z \/ 0\n/);
    assert.match(text, /File "\/workspace\/indented\.py", line 4, in <module>\n {4}z \/ 0/);
    assert.equal(exitCode, 1);
  });

  it('runs several selections as one', async () => {
    await select('several.py', 'a = 1\nskipped\nb = 2\na + b\n', [0, 0, 0, 5], [2, 0, 3, 5]);
    assert.match((await runSelection()).text, /^3$/m);
  });

  it('runs JavaScript and shell in processes of their own', async () => {
    await select('sel.js', 'import { sep } from "node:path";\nconst a = [sep];\na', [0, 0, 1, 16]);
    assert.equal((await runSelection()).exitCode, 0);
    await select('sel.js', 'import { sep } from "node:path";\nconst a = [sep];\na', [2, 0, 2, 1]);
    assert.match((await runSelection()).text, /^> a\n\[ '\/' \]\n$/);
    await select('sel.sh', 'greet() { echo "hello $1"; }\ngreet you\n', [0, 0, 2, 0]);
    assert.match((await runSelection()).text, /^hello you$/m);
    await waitForTerminals('Modal Node', 1);
    await waitForTerminals('Modal Shell', 1);
  });

  it('forgets all definitions on a restart', async () => {
    await select('sel.py', 'x', [0, 0, 0, 1]);
    assert.match((await runSelection()).text, /^20$/m);
    await vscode.commands.executeCommand('modal.restartSelectionProcess');
    assert.match((await runSelection()).text, /NameError: name 'x' is not defined/);
    await waitForTerminals('Modal Python', 1);
  });

  it('reports that the process exited, and starts a new one for the next selection', async () => {
    await select('exit.py', 'import sys; sys.exit(3)', [0, 0, 0, 23]);
    const { error, text } = await runSelection();
    assert.equal(error, 'Exited with code 3');
    assert.ok(text.includes(`● Exited with code 3. ${strings.nextSelection('Python')}\n`), text);
    await select('again.py', '6 * 7', [0, 0, 0, 5]);
    assert.match((await runSelection()).text, /^42$/m);
  });

  it('stops the process when its terminal is closed', async () => {
    await select('again.py', 'w = 1', [0, 0, 0, 5]);
    await runSelection();
    const [terminal] = await waitForTerminals('Modal Python', 1);
    terminal?.dispose();
    await waitForTerminals('Modal Python', 0);
    await select('again.py', 'w', [0, 0, 0, 1]);
    assert.match((await runSelection()).text, /NameError: name 'w' is not defined/);
  });

  it('runs code of an untitled file', async () => {
    const document = await vscode.workspace.openTextDocument({ language: 'python', content: 'v = 5\nv + 1\n' });
    const editor = await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(0, 0, 2, 0);
    assert.match((await runSelection()).text, /^6$/m);
  });

  it('sends nothing from a file that looks like a credential', async () => {
    const editor = await select('.env', 'SECRET=1', [0, 0, 0, 8]);
    await vscode.languages.setTextDocumentLanguage(editor.document, 'shellscript');
    const { result } = await answering({}, runSelection);
    assert.match(result.error ?? '', /^“\.env” isn't sent \(looks like a credential/);
    assert.equal(result.text, '');
  });

  it('names the supported languages for an unsupported file', async () => {
    await select('notes.md', '# notes', [0, 0, 0, 7]);
    const { result } = await answering({}, runSelection);
    assert.equal(result.error, strings.selectionNotSupported('markdown'));
  });
});
