import { UserError } from '../base/errors.ts';
import { cleanText } from '../base/text.ts';
import type { AskPermission } from '../sandboxes/permissions/permissions.ts';
import { permissionText } from '../sandboxes/permissions/question-text.ts';
import { questionText } from '../sync/push/question-text.ts';
import type { Ask } from '../sync/push/questions.ts';
import { strings } from './strings.ts';
import type { Question, QuestionOptions } from './types.ts';

/** A question that no one could answer. The message names the question, and how to answer it. */
export class UnansweredError extends UserError {
  readonly question: Question;

  constructor(question: Question, howToAnswer: string) {
    const lines = [question.message, question.detail, howToAnswer].filter(Boolean);
    super(cleanText(lines.join('\n')));
    this.question = question;
  }
}

/** The questions of everything that asks, and their answers. */
export class Questions {
  readonly #options: QuestionOptions;
  #unanswered: Question | undefined;

  constructor(options: QuestionOptions) {
    this.#options = options;
  }

  /** The last question that no one could answer. */
  get unanswered(): Question | undefined {
    return this.#unanswered;
  }

  /** Answers the questions of syncs. */
  readonly ofSync: Ask = (question) => {
    const { message, detail } = questionText(question);
    return this.#answer({ kind: question.kind, message, detail });
  };

  /** Answers the questions about what profiles cause. */
  readonly ofProfile: AskPermission = (asker, effects) =>
    this.#answer({ kind: 'profile', ...permissionText(asker, effects) });

  /** Answers the question whether to start a sandbox although the budget is spent. */
  async ofBudget(summary: string): Promise<boolean> {
    return (await this.#answer({ kind: 'budget', message: strings.startOverBudget(summary), detail: '' })) === true;
  }

  async #answer(question: Question): Promise<boolean | undefined> {
    const { answers, ask, howToAnswer = strings.answerInAdvance } = this.#options;
    const known = answers?.[question.kind];
    if (known !== undefined) return known;
    if (ask) return ask(question);
    this.#unanswered = question;
    throw new UnansweredError(question, howToAnswer(question.kind));
  }
}
