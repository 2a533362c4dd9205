import { createInterface } from 'node:readline/promises';
import { UserError } from '../base/errors.ts';
import { parseBuildArguments } from '../service/profiles.ts';
import { QUESTION_KINDS } from '../service/question-kinds.ts';
import { absolute, findFolder } from '../service/requests.ts';
import { createService, type Service } from '../service/service.ts';
import type { Question, QuestionKind } from '../service/types.ts';
import type { Answers, Context } from './context.ts';
import { byDistance, type Flags, textOf, textsOf, UsageError } from './flags.ts';
import { strings } from './strings.ts';

/** Creates the service that the flags of a command line ask for. Throws `UsageError` and `UserError`. */
export function openService({ flags, cwd, output, signal }: Context): Promise<Service> {
  const account = flags.local === true ? 'local' : (textOf(flags, 'account') ?? process.env.MODAL_SANDBOXES_ACCOUNT);
  if (account !== undefined && !/^(local|environment|profile:.+)$/.test(account))
    throw new UsageError(strings.invalidAccount(account));
  const folder = textOf(flags, 'folder');
  const canAsk = process.stdin.isTTY && process.stderr.isTTY && !output.isJson;
  return createService({
    folder: folder === undefined ? findFolder(cwd) : absolute(folder, cwd),
    account: account || undefined,
    profile: textOf(flags, 'profile'),
    build: buildOf(flags),
    answers: answersOf(flags),
    howToAnswer: strings.howToAnswer,
    onBuildLog: (text) => {
      for (const line of text.trimEnd().split('\n')) output.status(line);
    },
    ...(canAsk && { ask: (question) => ask(question, signal) }),
  });
}

function buildOf(flags: Flags) {
  try {
    return parseBuildArguments(textsOf(flags, 'build'));
  } catch (error) {
    throw error instanceof UserError ? new UsageError(error.message) : error;
  }
}

function answersOf(flags: Flags): Answers {
  return { ...answers(flags, 'allow', true), ...answers(flags, 'deny', false) };
}

function answers(flags: Flags, flag: string, answer: boolean): Answers {
  const kinds = textsOf(flags, flag).flatMap((text) => text.split(',').filter(Boolean));
  for (const kind of kinds)
    if (!QUESTION_KINDS.includes(kind as QuestionKind))
      throw new UsageError(strings.unknownQuestion(kind, byDistance(kind, QUESTION_KINDS)));
  return Object.fromEntries(kinds.map((kind) => [kind, answer]));
}

/** Asks in the terminal. An empty answer cancels. */
async function ask({ message, detail }: Question, signal: AbortSignal): Promise<boolean | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const text = [message, detail].filter(Boolean).join('\n');
    const answer = await terminal.question(`${text}\n${strings.yesOrNo()} `, { signal });
    return /^y(es)?$/i.test(answer.trim()) ? true : /^no?$/i.test(answer.trim()) ? false : undefined;
  } finally {
    terminal.close();
  }
}
