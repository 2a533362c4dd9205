/** What can be asked. Each kind can be answered in advance. */
export const QUESTION_KINDS = [
  /** What a folder's profile causes, such as costs of a warm sandbox or the use of a secret. */
  'profile',
  /** A start over the budget. */
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
] as const;

export type QuestionKind = (typeof QUESTION_KINDS)[number];
