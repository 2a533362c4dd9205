import type { Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { UserError } from '../base/errors.ts';
import { isRefusedInput } from './errors.ts';
import { strings } from './strings.ts';

const ANSWER = 'shell-works';
const TIMEOUT_MS = 10_000;
/** The part of the answer that is read. */
const MAX_CHARS = 2000;
/** The exit codes of a program that can't be started. Programs use them, too. */
export const NOT_STARTED_EXIT_CODES: readonly number[] = [126, 127];
/** What the programs that start a command say if it doesn't exist. */
const MISSING = /(?:failed to execute |(?:exec|env): )["'‘]?([^\s"'’:]{1,100})/;

/**
 * Explains a failure that a sandbox without a shell would cause, too: throws `UserError` with what is missing if the sandbox
 * can't run `sh`. Resolves if it can, or if that can't be found out.
 */
export async function requireShell(sandbox: Sandbox): Promise<void> {
  const [output, errors] = await untilAborted(answer(sandbox), AbortSignal.timeout(TIMEOUT_MS)).catch(
    (error: unknown) => (isRefusedInput(error) ? ['', String(error)] : [ANSWER]),
  );
  if (!output?.includes(ANSWER))
    throw new UserError(strings.cannotExecute(MISSING.exec(errors ?? '')?.[1] ?? 'sh'), {
      actions: ['chooseProfile', 'replaceSandbox'],
    });
}

async function answer(sandbox: Sandbox): Promise<string[]> {
  const process = await sandbox.exec(['sh', '-c', `echo ${ANSWER}`], { timeoutMs: TIMEOUT_MS });
  return Promise.all([startOf(process.stdout), startOf(process.stderr)]);
}

async function startOf(stream: ReadableStream<string>): Promise<string> {
  let text = '';
  for await (const part of stream as AsyncIterable<string>) {
    text += part.slice(0, MAX_CHARS);
    if (text.length >= MAX_CHARS) break;
  }
  return text;
}
