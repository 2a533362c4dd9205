import { UserError } from '../base/errors.ts';
import { explain } from '../modal/explain/explain.ts';

/**
 * Why a tool failed: the sandbox has ended, the budget is spent, the user hasn't allowed it, something took too long, the
 * arguments make no sense, or anything else.
 */
export type FailureKind = 'gone' | 'budget' | 'denied' | 'timeout' | 'invalid' | 'failed';

/** A failure that an agent can react to. The message says what to do. */
export class AgentError extends UserError {
  readonly kind: FailureKind;
  /** Details for programs, such as `why` a sandbox is gone. */
  readonly facts: Readonly<Record<string, string>>;

  constructor(kind: FailureKind, message: string, facts: Readonly<Record<string, string>> = {}) {
    super(message);
    this.kind = kind;
    this.facts = facts;
  }
}

/** Returns any error as one for agents. */
export function agentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const { message, actions } = explain(error);
  // The user's own budget.
  return new AgentError(actions.includes('showBudgetSettings') ? 'budget' : 'failed', message);
}
