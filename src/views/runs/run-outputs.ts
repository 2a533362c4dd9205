import * as vscode from 'vscode';
import { cleanLine, formatBytes } from '../../base/text.ts';
import { showDiff } from '../../providers/common/window.ts';
import type { RunRecord } from '../../run/records/record.ts';
import { dayOf, type RunRecords } from '../../run/records/run-records.ts';
import { coloredText, type StyledRange, type TextStyle } from './colored-text.ts';
import { strings } from './strings.ts';

const SCHEME = 'modal-run';
/** VS Code slows down with more decorations; what comes after them isn't colored. */
const MAX_RANGES = 20_000;
const THEME_COLORS = [
  'Black',
  'Red',
  'Green',
  'Yellow',
  'Blue',
  'Magenta',
  'Cyan',
  'White',
  'BrightBlack',
  'BrightRed',
  'BrightGreen',
  'BrightYellow',
  'BrightBlue',
  'BrightMagenta',
  'BrightCyan',
  'BrightWhite',
];

/** The stored outputs of runs, as documents in the colors that their programs gave them. */
export class RunOutputs implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #records: RunRecords;
  readonly #shown = new Map<string, RunRecord>();
  readonly #ranges = new Map<string, readonly StyledRange[]>();
  readonly #types = new Map<string, vscode.TextEditorDecorationType>();
  readonly #disposables: vscode.Disposable[];

  constructor(records: RunRecords) {
    this.#records = records;
    this.#disposables = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.window.onDidChangeVisibleTextEditors((editors) => {
        for (const editor of editors) this.#color(editor);
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        this.#ranges.delete(uri.path);
      }),
    ];
  }

  dispose(): void {
    for (const each of [...this.#disposables, ...this.#types.values()]) each.dispose();
  }

  /** `modal.openRunOutput` */
  async open(record: RunRecord): Promise<void> {
    this.#color(await vscode.window.showTextDocument(this.#uriOf(record), { preview: true }));
  }

  /** `modal.compareRunOutputs`: the earlier one on the left. */
  async compare(one: RunRecord, other: RunRecord): Promise<void> {
    const [left, right] = one.at < other.at ? [one, other] : [other, one];
    const nameOf = ({ label, at }: RunRecord) => `${label} ${new Date(at).toLocaleTimeString()}`;
    await showDiff(this.#uriOf(left), this.#uriOf(right), strings.compared(nameOf(left), nameOf(right)));
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const record = this.#shown.get(uri.path) ?? (await this.#find(uri));
    if (!record) return strings.outputGone();
    if (!record.end) return strings.notEnded();
    const output = await this.#records.output(record);
    if (!output) return strings.outputGone();
    if (record.end.output.bytes === 0) return strings.noOutput();
    const { head, tail, missingBytes } = output;
    const gap = tail.length > 0 ? `\u001b[0m\n${strings.missing(formatBytes(missingBytes))}\n` : '';
    const { text, ranges } = coloredText(`${head}${gap}${tail}`);
    this.#ranges.set(uri.path, ranges.slice(0, MAX_RANGES));
    return text;
  }

  #uriOf(record: RunRecord): vscode.Uri {
    const name = cleanLine(record.label, 100).replaceAll(/[/\\]/g, ' ');
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${dayOf(record.at)}/${record.id}/${name}.log` });
    this.#shown.set(uri.path, record);
    return uri;
  }

  /** Finds the record of a document that VS Code has restored. */
  async #find({ path }: vscode.Uri): Promise<RunRecord | undefined> {
    const [, day = '', id] = path.split('/');
    return (await this.#records.ofDay(day)).find((record) => record.id === id);
  }

  #color(editor: vscode.TextEditor): void {
    const { uri } = editor.document;
    const ranges = uri.scheme === SCHEME ? this.#ranges.get(uri.path) : undefined;
    if (!ranges) return;
    const byType = Map.groupBy(ranges, ({ style }) => this.#typeOf(style));
    for (const [type, styled] of byType)
      editor.setDecorations(
        type,
        styled.map(
          ({ start, end }) => new vscode.Range(editor.document.positionAt(start), editor.document.positionAt(end)),
        ),
      );
  }

  #typeOf(style: TextStyle): vscode.TextEditorDecorationType {
    const key = JSON.stringify(style);
    const known = this.#types.get(key);
    if (known) return known;
    const type = vscode.window.createTextEditorDecorationType(decorationOf(style));
    this.#types.set(key, type);
    return type;
  }
}

function decorationOf({ color, background, decorations }: TextStyle): vscode.DecorationRenderOptions {
  const has = (name: TextStyle['decorations'][number]) => decorations.includes(name);
  const lines = [has('underline') && 'underline', has('strikethrough') && 'line-through'].filter(Boolean).join(' ');
  return {
    ...(color !== undefined && { color: colorOf(color) }),
    ...(background !== undefined && { backgroundColor: colorOf(background) }),
    ...(has('bold') && { fontWeight: 'bold' }),
    ...(has('italic') && { fontStyle: 'italic' }),
    ...(has('dim') && { opacity: '0.6' }),
    ...(lines && { textDecoration: lines }),
  };
}

/** Returns the theme's own color where the palette has one. https://en.wikipedia.org/wiki/ANSI_escape_code#8-bit */
function colorOf(color: number | string): vscode.ThemeColor | string {
  if (typeof color === 'string') return `rgb(${color})`;
  const name = THEME_COLORS[color];
  if (name) return new vscode.ThemeColor(`terminal.ansi${name}`);
  if (color >= 232)
    return `rgb(${Array(3)
      .fill(8 + 10 * (color - 232))
      .join(', ')})`;
  const level = (at: number) => (at === 0 ? 0 : 55 + 40 * at);
  const cube = color - 16;
  return `rgb(${[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level).join(', ')})`;
}
