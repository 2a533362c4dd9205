import type { ActionId } from '../../base/errors.ts';

/** A kind of error: its sentence, which contains the reason that was given, and its next steps. */
export interface Kind {
  readonly say: (reason: string) => string;
  readonly actions: readonly ActionId[];
}

/** A kind, and a pattern of the reasons that belong to it. */
export type Rule = readonly [reason: RegExp, kind: Kind];

export function kindOf(say: Kind['say'], ...actions: ActionId[]): Kind {
  return { say, actions };
}

/** Returns the first kind whose pattern matches. */
export function match(rules: readonly Rule[], reason: string): Kind | undefined {
  return rules.find(([pattern]) => pattern.test(reason))?.[1];
}
