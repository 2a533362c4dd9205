/** Runs in the extension host as its 'tests': opens a file, runs it with the extension, and relays its terminal's output. */
import * as vscode from 'vscode';
import type { RunOutcome } from '../run-file.ts';
import { messageOf } from '../say.ts';
import { connectRelay } from './relay.ts';

interface ExtensionApi {
  readonly onDidWriteOutput: vscode.Event<{ readonly runId: string; readonly data: string }>;
}

const EXTENSION_ID = 'modal-sandboxes.modal-sandboxes';

/** The entry point that VS Code calls. */
export async function run(): Promise<void> {
  const relay = await connectRelay<RunOutcome>();
  const end = await runNamedFile((text) => relay.write(text)).catch((error: unknown) => ({ error: messageOf(error) }));
  await relay.finish(end);
}

const QUESTIONS = [
  'showErrorMessage',
  'showInformationMessage',
  'showWarningMessage',
  'showInputBox',
  'showQuickPick',
] as const;

/** Declines what VS Code would ask, because no one sees it. Returns what was asked so far. */
function decliningQuestions(): readonly string[] {
  const asked: string[] = [];
  const { window } = vscode;
  for (const name of QUESTIONS) {
    const show = window[name] as (...args: unknown[]) => Thenable<unknown>;
    Object.assign(window, {
      [name]: async (first: unknown, ...rest: unknown[]) => {
        const isQuestion =
          name === 'showInputBox' || name === 'showQuickPick' || rest.some((each) => typeof each === 'string');
        if (!isQuestion) return show.call(window, first, ...rest);
        asked.push(questionOf(first, rest));
        return undefined;
      },
    });
  }
  return asked;
}

/** The text of a message, or the title of an input. */
function questionOf(first: unknown, rest: readonly unknown[]): string {
  if (typeof first === 'string') return first;
  const titled = [first, ...rest].find((each) => typeof each === 'object' && each !== null && 'title' in each);
  return String((titled as { title?: unknown } | undefined)?.title ?? '');
}

async function runNamedFile(write: (text: string) => void): Promise<RunOutcome> {
  const extension = vscode.extensions.getExtension<ExtensionApi>(EXTENSION_ID);
  if (!extension) return { error: `VS Code didn't load ${EXTENSION_ID}. Has it been built?` };
  const api = await extension.activate();
  const asked = decliningQuestions();
  const listening = api.onDidWriteOutput(({ data }) => write(data));
  try {
    const uri = vscode.Uri.file(process.env.RUN_FILE ?? '');
    await vscode.window.showTextDocument(uri);
    const end = await vscode.commands.executeCommand<RunOutcome | undefined>('modal.runActiveFile', uri);
    const outcome = end ?? { error: 'The extension returned no result.' };
    const [question] = asked;
    if (question === undefined || outcome.error === undefined) return outcome;
    return { error: `${outcome.error}\nVS Code asked: “${question}” To answer, open the folder with npm start.` };
  } finally {
    listening.dispose();
  }
}
