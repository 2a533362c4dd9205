import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { stripEscapes } from '../../../src/base/text.ts';
import { type Label, labelText, newDiagnostic, showDiff, window } from '../../../src/providers/common/window.ts';
import { TerminalWriter } from '../../../src/providers/run/terminal-writer.ts';
import { strings } from '../../../src/providers/sync/strings.ts';
import { tooltipOf } from '../../../src/views/common/tooltip.ts';
import { activate, answering, waitForDiff, writeWorkspaceFile } from '../extension-under-test.ts';

/** A link to a harmless command, an icon, control characters, marks that reorder text, and a megabyte. */
const TEXT = `[Retry](command:modal.showLog) $(flame)\u001b[31m\u0007\u202e\u2066${'x'.repeat(1_000_000)}\u009b0m Do this.`;

/** Replaces functions of `vscode.window`, and collects all strings that they get, and that are set on their results. */
async function received(names: readonly string[], show: () => unknown): Promise<string[]> {
  const texts: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
  };
  const set = (_: object, __: PropertyKey, value: unknown) => {
    collect(value);
    return true;
  };
  const fake = (...args: unknown[]) => {
    args.filter((arg) => typeof arg !== 'function').forEach(collect);
    const task = args.find((arg) => typeof arg === 'function');
    task?.({ report: collect });
    return new Proxy({ show() {}, dispose() {} }, { set });
  };
  const originals = Object.fromEntries(names.map((name) => [name, Reflect.get(vscode.window, name)]));
  Object.assign(vscode.window, Object.fromEntries(names.map((name) => [name, fake])));
  try {
    await show();
  } finally {
    Object.assign(vscode.window, originals);
  }
  return texts;
}

/** How each function that shows texts is called with a text. */
const OUTLETS: { [name in keyof typeof window]: (text: string) => unknown } = {
  showInformationMessage: (text) => window.showInformationMessage(text, text),
  showWarningMessage: (text) => window.showWarningMessage(text, { modal: true, detail: text }, text),
  showErrorMessage: (text) => window.showErrorMessage(text, text),
  showInputBox: (text) => window.showInputBox({ title: text, prompt: text, placeHolder: text }),
  showQuickPick: (text) =>
    window.showQuickPick([{ label: text, description: [{ icon: 'vm' }, text], detail: text }], {
      title: text,
      placeHolder: text,
    }),
  createQuickPick: (text) => {
    const pick = window.createQuickPick();
    pick.title = text;
    pick.placeholder = text;
    pick.items = [{ label: text, description: text, detail: text }];
  },
  withProgress: (text) =>
    window.withProgress({ location: vscode.ProgressLocation.Notification, title: text }, async ({ report }) =>
      report({ message: text }),
    ),
  setStatusBarMessage: (text) => window.setStatusBarMessage([{ icon: 'sync' }, text], 1),
  createStatusBarItem: (text) =>
    window.createStatusBarItem('modal.test', 1, { name: text, command: '' }).show(text, text),
  createTreeView: (text) => {
    const view = window.createTreeView('modal.test', {
      treeDataProvider: { getChildren: () => [], getTreeItem: () => new vscode.TreeItem('') },
    });
    view.message = text;
  },
  createTerminal: (text) => window.createTerminal({ name: text, pty: {} as vscode.Pseudoterminal }),
};

function assertClean(texts: readonly string[], maxChars = 10_000): void {
  assert.ok(texts.some((text) => text.includes('Retry') && text.endsWith('Do this.')));
  for (const text of texts) {
    assert.doesNotMatch(text, /\]\(|(?!\n)\p{Cc}|\p{Bidi_Control}/u);
    assert.ok(text.length <= maxChars, `${text.length}`);
  }
}

describe('Texts of others', () => {
  before(activate);

  for (const [name, show] of Object.entries(OUTLETS))
    it(`reach VS Code without links, control characters, or a megabyte through ${name}`, async () => {
      assertClean(await received([name], () => show(TEXT)));
    });

  it('never become icons where VS Code shows icons', () => {
    const label: Label = [{ icon: 'vm' }, TEXT];
    assert.match(labelText(label), /^\$\(vm\) \[Retry\] \(command:modal\.showLog\) \\\$\(flame\)x/);
  });

  it('are clean in the rows and tooltips of a tree', async () => {
    let row: vscode.TreeItem | undefined;
    const { createTreeView } = vscode.window;
    Object.assign(vscode.window, {
      createTreeView: (_: string, { treeDataProvider }: vscode.TreeViewOptions<string>) => {
        row = treeDataProvider.getTreeItem('') as vscode.TreeItem;
        return {};
      },
    });
    try {
      const item = () => {
        const shown = new vscode.TreeItem(TEXT);
        return Object.assign(shown, { description: TEXT, tooltip: TEXT, accessibilityInformation: { label: TEXT } });
      };
      window.createTreeView('modal.test', { treeDataProvider: { getChildren: () => [], getTreeItem: item } });
    } finally {
      Object.assign(vscode.window, { createTreeView });
    }
    assertClean([row?.label, row?.description, row?.tooltip, row?.accessibilityInformation?.label].map(String));
    const { value } = tooltipOf(TEXT, [['Fact', TEXT]]);
    assert.doesNotMatch(value, /(?<!\\)\]|\u0007|\u202e/);
    assert.ok(value.length < 10_000);
  });

  it('are clean in the title of a comparison', async () => {
    const left = await writeWorkspaceFile('left.txt', 'left');
    const right = await writeWorkspaceFile('right.txt', 'right');
    await showDiff(left, right, TEXT);
    assertClean([await waitForDiff(left, right)], 300);
  });

  it('are clean in the Problems view', () => {
    const options = { source: TEXT, code: TEXT };
    const { message, source, code } = newDiagnostic(new vscode.Range(0, 0, 0, 0), TEXT, options);
    assertClean([message]);
    assertClean([source, code].map(String), 300);
  });

  it('are clean in our own lines of a terminal', () => {
    const texts: string[] = [];
    const writer = new TerminalWriter(() => {});
    writer.onDidWrite((text) => texts.push(stripEscapes(text).replaceAll(/[\r\n]/g, '')));
    writer.status(TEXT);
    writer.progress(TEXT);
    writer.error(TEXT);
    assert.equal(texts.length, 4);
    assertClean(texts, 1010);
  });

  it('are clean in a message about a file of the workspace', async () => {
    const uri = await writeWorkspaceFile('[Retry](command:modal.showLog)\u202e.txt', '');
    const { messages } = await answering({}, async () => vscode.commands.executeCommand('modal.whySynced', uri));
    assert.equal(messages.length, 1);
    assert.ok(
      messages[0]?.startsWith(strings.synced('[Retry] (command:modal.showLog).txt', '').slice(0, 30)),
      messages[0],
    );
  });
});
