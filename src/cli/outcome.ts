import type { Explanation } from '../modal/explain/explain.ts';
import type { Service } from '../service/service.ts';
import type { Output } from './output.ts';
import { strings } from './strings.ts';

/** The command line isn't valid, or a question has no answer. */
export const EXIT_USAGE = 2;
/** The command couldn't do what it should. Programs in sandboxes rarely exit with it. */
export const EXIT_FAILED = 125;
/** Added to a signal's number. */
export const EXIT_SIGNAL = 128;

/** Prints an error. Returns the exit code for it. */
export function report(
  output: Output,
  { message, actions }: Pick<Explanation, 'message' | 'actions'>,
  service: Service | undefined,
): number {
  const question = service?.unanswered;
  if (output.isJson) output.result({ error: message, ...(question && { question: question.kind }) }, '');
  else output.error(message);
  if (service && actions.includes('showLog')) output.status(strings.logAt(service.logPath));
  return question ? EXIT_USAGE : EXIT_FAILED;
}
