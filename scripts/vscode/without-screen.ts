import * as vscode from 'vscode';
import type { RunOutcome } from '../run-file.ts';

/** The functions of VS Code that show something which the user may answer. */
export const QUESTIONS = [
  'showErrorMessage',
  'showInformationMessage',
  'showWarningMessage',
  'showInputBox',
  'showQuickPick',
] as const;

/**
 * Runs a file where no one sees VS Code: declines what it asks, and adds the question to the error. Never rejects for a
 * refusal of the extension.
 */
export async function runWithoutScreen(run: () => Thenable<RunOutcome | undefined>): Promise<RunOutcome> {
  const { asked, restore } = declineQuestions();
  try {
    const outcome = (await run()) ?? { error: 'The extension returned no result.' };
    const [question] = asked;
    if (question === undefined || outcome.error === undefined) return outcome;
    return { error: `${outcome.error}\nVS Code asked: “${question}” To answer, open the folder with npm start.` };
  } finally {
    restore();
  }
}

/** Declines questions until `restore` is called. `asked` has those so far. */
function declineQuestions(): { asked: readonly string[]; restore: () => void } {
  const asked: string[] = [];
  const { window } = vscode;
  const originals = QUESTIONS.map((name) => [name, window[name]] as const);
  for (const [name, original] of originals) {
    const show = original as (...args: unknown[]) => Thenable<unknown>;
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
  return { asked, restore: () => Object.assign(window, Object.fromEntries(originals)) };
}

/** The text of a message, or the title of an input. */
function questionOf(first: unknown, rest: readonly unknown[]): string {
  if (typeof first === 'string') return first;
  const titled = [first, ...rest].find((each) => typeof each === 'object' && each !== null && 'title' in each);
  return String((titled as { title?: unknown } | undefined)?.title ?? '');
}
