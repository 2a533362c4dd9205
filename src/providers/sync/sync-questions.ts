import { basename } from 'node:path';
import * as vscode from 'vscode';
import { formatBytes } from '../../base/text.ts';
import type { SyncQuestion } from '../../sync/push/questions.ts';
import type { Exclusion } from '../../sync/scan/scan.ts';

/** A question in the words of a dialog. */
interface Dialog {
  readonly message: string;
  readonly detail: string;
  /** The button that means yes. */
  readonly yes: string;
}

/** Asks what a sync does not decide by itself, in a dialog that must be answered. Resolves false for any way out but yes. */
export async function askInDialog(question: SyncQuestion): Promise<boolean> {
  const { message, detail, yes } = dialogFor(question);
  return (await vscode.window.showWarningMessage(message, { modal: true, detail }, yes)) === yes;
}

function dialogFor(question: SyncQuestion): Dialog {
  switch (question.kind) {
    case 'first-sync':
    case 'huge-sync': {
      const { puts, putBytes, folders, credentials } = question.plan;
      const excluded = question.plan.excluded.filter(({ rule }) => rule.kind !== 'credential');
      const lines = [
        ...folders
          .slice(0, 5)
          .map(({ path, files, bytes }) => `${path || '(this folder)'}: ${counted(files)}, ${formatBytes(bytes)}`),
        ...(excluded.length > 0 ? ['', 'Left out:', ...excluded.slice(0, 6).map(exclusionLine)] : []),
        ...(credentials.length > 0
          ? ['', `Never sent, as they look like credentials: ${credentials.slice(0, 5).join(', ')}`]
          : []),
      ];
      return {
        message: `Send ${counted(puts)} (${formatBytes(putBytes)}) of this folder to a Modal sandbox?`,
        detail: lines.join('\n'),
        yes: 'Send',
      };
    }
    case 'huge-file':
      return {
        message: 'Send very large files to the sandbox?',
        detail: question.files.map(({ path, bytes }) => `${path}: ${formatBytes(bytes)}`).join('\n'),
        yes: 'Send',
      };
    case 'mass-deletion':
      return {
        message: `Delete ${question.deletes} of ${question.syncedCount} files in the sandbox?`,
        detail: `They are gone from this folder, such as ${question.examples.slice(0, 5).join(', ')}.`,
        yes: 'Delete There',
      };
    case 'remote-changes':
      return {
        message: 'Overwrite files that a program changed in the sandbox?',
        detail: question.paths.slice(0, 10).join('\n'),
        yes: 'Overwrite',
      };
    case 'mirror':
      return {
        message: `Delete ${counted(question.extras.length)} that only the sandbox has?`,
        detail: question.extras.slice(0, 10).join('\n'),
        yes: 'Delete There',
      };
    case 'sensitive-pull':
      return {
        message: 'Bring back files that change what programs on this machine run?',
        detail: question.paths.slice(0, 10).join('\n'),
        yes: 'Bring Back',
      };
  }
}

function counted(files: number): string {
  return `${files.toLocaleString('en-US')} ${files === 1 ? 'file' : 'files'}`;
}

function exclusionLine({ rule, count, examples }: Exclusion): string {
  const from = rule.source ? ` of ${basename(rule.source)}` : '';
  return `${examples.slice(0, 3).join(', ')}${count > 3 ? ` and ${count - 3} more` : ''} (${rule.text}${from})`;
}
