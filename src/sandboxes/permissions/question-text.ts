import { basename } from 'node:path';
import { cleanLine } from '../../base/text.ts';
import type { Effect } from './effects.ts';
import type { Asker } from './permissions.ts';
import { strings } from './strings.ts';

const MAX_LINE_CHARS = 200;
const MAX_NAME_CHARS = 60;

/** Returns the texts that ask whether a profile or task may cause effects. */
export function permissionText(
  { kind, name, root }: Asker,
  effects: readonly Effect[],
): { readonly message: string; readonly detail: string } {
  const isTask = kind === 'task';
  const question = isTask ? strings.taskQuestion : strings.question;
  const explanation = isTask ? strings.taskExplanation() : strings.explanation();
  const lines = effects.map(({ text }) => strings.line(cleanLine(text, MAX_LINE_CHARS)));
  return { message: question(nameOf(name), nameOf(basename(root))), detail: [...lines, '', explanation].join('\n') };
}

/** Returns the name of a profile, task, or folder, as a part of a question. */
export function nameOf(name: string): string {
  return cleanLine(name, MAX_NAME_CHARS);
}
