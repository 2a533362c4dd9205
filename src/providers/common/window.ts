import * as vscode from 'vscode';
import { cleanLine, cleanText } from '../../base/text.ts';

// The only place that hands texts to VS Code's window: names of files, profiles, and sandboxes, and the words of programs and
// servers must not become links, icons, or control characters there. Biome rejects direct calls elsewhere.

/** The maximum length of a row, title, or tooltip line. */
const MAX_ROW_CHARS = 300;
const MAX_DETAIL_CHARS = 4000;

/** An icon of VS Code in a label: https://code.visualstudio.com/api/references/icons-in-labels */
export interface Icon {
  readonly icon: string;
}

/** A text with icons, where VS Code shows them. What looks like an icon in a string stays text. */
export type Label = string | readonly (string | Icon)[];

/** A row of a quick pick. */
export interface PickItem extends Omit<vscode.QuickPickItem, 'label' | 'description'> {
  readonly label: Label;
  readonly description?: Label;
}

/** Formats a label for a place that shows icons. */
export function labelText(label: Label): string {
  const parts = typeof label === 'string' ? [label] : label;
  return parts.map((part) => (typeof part === 'string' ? rowText(part) : `$(${part.icon})`)).join(' ');
}

/** A problem for the Problems view, which shows the source and the code next to the message. */
export function newDiagnostic(
  range: vscode.Range,
  message: string,
  { severity, source, code }: { severity?: vscode.DiagnosticSeverity; source?: string; code?: string } = {},
): vscode.Diagnostic {
  const diagnostic = new vscode.Diagnostic(range, cleanText(message), severity);
  if (source !== undefined) diagnostic.source = cleanLine(source, MAX_ROW_CHARS);
  if (code !== undefined) diagnostic.code = cleanLine(code, MAX_ROW_CHARS);
  return diagnostic;
}

/** Shows two files next to each other. */
export function showDiff(
  left: vscode.Uri,
  right: vscode.Uri,
  title: string,
  options: vscode.TextDocumentShowOptions = {},
): Thenable<unknown> {
  return vscode.commands.executeCommand('vscode.diff', left, right, cleanLine(title, MAX_ROW_CHARS), options);
}

/** VS Code's functions that show texts, for texts that may contain words of others. */
export const window = {
  showInformationMessage: message('showInformationMessage'),
  showWarningMessage: message('showWarningMessage'),
  showErrorMessage: message('showErrorMessage'),

  showInputBox(options: vscode.InputBoxOptions): Thenable<string | undefined> {
    const { title, prompt, placeHolder, validateInput } = options;
    return vscode.window.showInputBox({
      ...options,
      ...(title !== undefined && { title: cleanLine(title, MAX_ROW_CHARS) }),
      ...(prompt !== undefined && { prompt: cleanLine(prompt) }),
      ...(placeHolder !== undefined && { placeHolder: cleanLine(placeHolder, MAX_ROW_CHARS) }),
      ...(validateInput && {
        validateInput: async (value: string) => {
          const problem = await validateInput(value);
          return typeof problem === 'string' ? cleanLine(problem) : problem;
        },
      }),
    });
  },

  async showQuickPick<T extends PickItem>(
    items: readonly T[] | Thenable<readonly T[]>,
    { title = '', placeHolder = '', ...options }: vscode.QuickPickOptions,
  ): Promise<T | undefined> {
    return vscode.window.showQuickPick((await items).map(shownItem), {
      ...options,
      title: cleanLine(title, MAX_ROW_CHARS),
      placeHolder: cleanLine(placeHolder, MAX_ROW_CHARS),
    });
  },

  createQuickPick<T extends vscode.QuickPickItem>(): vscode.QuickPick<T> {
    return settingClean(vscode.window.createQuickPick<T>(), (key, value) => {
      if (Array.isArray(value) && key !== 'buttons') return value.map(shownItem);
      return typeof value === 'string' && key !== 'value' ? cleanLine(value, MAX_ROW_CHARS) : value;
    });
  },

  withProgress<T>(
    options: vscode.ProgressOptions & { readonly title: string },
    task: (progress: vscode.Progress<ProgressStep>, token: vscode.CancellationToken) => Thenable<T>,
  ): Thenable<T> {
    const title = cleanLine(options.title, MAX_ROW_CHARS);
    return vscode.window.withProgress({ ...options, title }, (progress: vscode.Progress<ProgressStep>, token) => {
      const report = (step: ProgressStep) =>
        progress.report({
          ...step,
          ...(step.message !== undefined && { message: cleanLine(step.message, MAX_ROW_CHARS) }),
        });
      return task({ report }, token);
    });
  },

  setStatusBarMessage(label: Label, hideAfterMs: number): vscode.Disposable {
    return vscode.window.setStatusBarMessage(labelText(label), hideAfterMs);
  },

  createStatusBarItem(id: string, priority: number, { name, command }: { name: string; command: string }): StatusItem {
    const item = vscode.window.createStatusBarItem(id, vscode.StatusBarAlignment.Left, priority);
    Object.assign(item, { name: cleanLine(name), command });
    const show = (label: Label, tooltip: string) => {
      item.text = labelText(label);
      item.tooltip = cleanText(tooltip, MAX_DETAIL_CHARS);
      item.accessibilityInformation = { label: cleanLine(tooltip), role: 'button' };
      item.show();
    };
    return { show, hide: () => item.hide(), dispose: () => item.dispose() };
  },

  createTreeView<T>(
    id: string,
    options: Omit<vscode.TreeViewOptions<T>, 'treeDataProvider'> & { readonly treeDataProvider: TreeSource<T> },
  ): vscode.TreeView<T> {
    const source = options.treeDataProvider;
    const treeDataProvider: vscode.TreeDataProvider<T> = {
      ...(source.onDidChangeTreeData && { onDidChangeTreeData: source.onDidChangeTreeData }),
      ...(source.getParent && { getParent: (row: T) => source.getParent?.(row) }),
      getChildren: (row) => source.getChildren(row),
      getTreeItem: (row) => shownRow(source.getTreeItem(row)),
    };
    const view = vscode.window.createTreeView(id, { ...options, treeDataProvider });
    return settingClean(view, (_, value) => (typeof value === 'string' ? cleanLine(value) : value));
  },

  createTerminal(options: vscode.ExtensionTerminalOptions): vscode.Terminal {
    return vscode.window.createTerminal({ ...options, name: rowText(options.name) });
  },
};

type ProgressStep = { message?: string; increment?: number };
interface TreeSource<T> extends vscode.TreeDataProvider<T> {
  getTreeItem(row: T): vscode.TreeItem;
}

/** An item of the status bar. */
export interface StatusItem extends vscode.Disposable {
  show(label: Label, tooltip: string): void;
  hide(): void;
}

interface Message {
  (text: string, ...buttons: string[]): Promise<string | undefined>;
  (text: string, options: vscode.MessageOptions, ...buttons: string[]): Promise<string | undefined>;
}

function message(kind: 'showInformationMessage' | 'showWarningMessage' | 'showErrorMessage'): Message {
  return async (text: string, ...rest: (string | vscode.MessageOptions)[]) => {
    const { modal = false, detail } = rest.find((each) => typeof each === 'object') ?? {};
    const buttons = rest.filter((each) => typeof each === 'string');
    const options = modal
      ? { modal, ...(detail !== undefined && { detail: cleanText(detail, MAX_DETAIL_CHARS) }) }
      : {};
    const pressed = await vscode.window[kind](cleanLine(text), options, ...buttons.map(buttonText));
    return buttons.find((button) => buttonText(button) === pressed);
  };
}

function buttonText(text: string): string {
  return cleanLine(text, MAX_ROW_CHARS);
}

/** A text as a whole row. VS Code shows `\$(` as `$(`. */
function rowText(text: string): string {
  return cleanLine(text, MAX_ROW_CHARS).replaceAll('$(', '\\$(');
}

/** The rows of quick picks as VS Code gets them: it tells rows by their identity. */
const shownItems = new WeakMap<PickItem, vscode.QuickPickItem>();

function shownItem<T extends PickItem>(item: T): T & vscode.QuickPickItem {
  const { label, description, detail } = item;
  const shown = (shownItems.get(item) ?? {
    ...item,
    label: labelText(label),
    ...(description !== undefined && { description: labelText(description) }),
    ...(detail !== undefined && { detail: rowText(detail) }),
  }) as T & vscode.QuickPickItem;
  shownItems.set(item, shown).set(shown, shown);
  return shown;
}

function shownRow(item: vscode.TreeItem): vscode.TreeItem {
  const { label, description, tooltip, accessibilityInformation } = item;
  if (typeof label === 'string') item.label = cleanLine(label, MAX_ROW_CHARS);
  if (typeof description === 'string') item.description = cleanLine(description, MAX_ROW_CHARS);
  if (typeof tooltip === 'string') item.tooltip = cleanText(tooltip, MAX_DETAIL_CHARS);
  if (accessibilityInformation) {
    const read = cleanLine(accessibilityInformation.label, MAX_ROW_CHARS);
    item.accessibilityInformation = { ...accessibilityInformation, label: read };
  }
  return item;
}

/** Wraps an object of VS Code so that all values that are set are cleaned first. */
function settingClean<T extends object>(target: T, clean: (key: PropertyKey, value: unknown) => unknown): T {
  return new Proxy(target, {
    get: (_, key) => {
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: (_, key, value) => Reflect.set(target, key, clean(key, value), target),
  });
}
