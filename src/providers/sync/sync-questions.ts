import { questionText } from '../../sync/push/question-text.ts';
import type { SyncQuestion } from '../../sync/push/questions.ts';
import { window } from '../common/window.ts';

/** Asks a sync's question in a modal dialog. Resolves with true only if the user confirms; undefined if they cancel. */
export async function askInDialog(question: SyncQuestion): Promise<boolean | undefined> {
  const { message, detail, yes, no } = questionText(question);
  const buttons = no === undefined ? [yes] : [yes, no];
  const pressed = await window.showWarningMessage(message, { modal: true, detail }, ...buttons);
  return pressed === undefined ? undefined : pressed === yes;
}
