import type { QuestionKind } from './types.ts';

/** All kinds of questions. */
export const QUESTION_KINDS = [
  'profile',
  'budget',
  'first-sync',
  'credentials',
  'huge-sync',
  'huge-file',
  'mass-deletion',
  'remote-changes',
  'mirror',
  'huge-pull',
  'sensitive-pull',
] as const satisfies readonly QuestionKind[];
