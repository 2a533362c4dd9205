import { UserError } from '../../base/errors.ts';
import { strings } from '../strings.ts';
import { MANY_FILES, type PreparedPush } from './prepared.ts';

/** The number of files in a question that must name each of them. More take another question. */
export const MAX_NAMED = 12;

/** Something that the user decides. Sizes are in bytes. */
export type SyncQuestion =
  /**
   * The first sync of a folder. Asked once for each folder and account. `credentials` are sent although they look like
   * credentials, because rules name them.
   */
  | { readonly kind: 'first-sync'; readonly plan: PreparedPush; readonly credentials: readonly string[] }
  /** Files that look like credentials, and that the folder's own rules name. No sends everything else. */
  | { readonly kind: 'credentials'; readonly paths: readonly string[] }
  | { readonly kind: 'huge-sync'; readonly files: number; readonly bytes: number; readonly plan: PreparedPush }
  | { readonly kind: 'huge-file'; readonly files: readonly { readonly path: string; readonly bytes: number }[] }
  | {
      readonly kind: 'mass-deletion';
      readonly deletes: number;
      readonly syncedCount: number;
      readonly examples: readonly string[];
    }
  /** A program changed these synced files in the sandbox. Yes overwrites them, no keeps them. */
  | { readonly kind: 'remote-changes'; readonly paths: readonly string[] }
  | { readonly kind: 'mirror'; readonly extras: readonly string[] }
  /** Asked during a pull, with what it has received so far. Yes receives the rest, no keeps what has arrived. */
  | { readonly kind: 'huge-pull'; readonly files: number; readonly bytes: number }
  /** Pulling these files would affect what programs on this computer run. */
  | { readonly kind: 'sensitive-pull'; readonly paths: readonly string[] };

/** What to do with files that a program changed in the sandbox. */
export type OnRemoteChange = 'replace' | 'keep' | 'ask';

/** Asks the user, and returns their answer. Anything but `true` means no; `undefined` is no answer, and isn't remembered. */
export type Ask = (question: SyncQuestion) => Promise<boolean | undefined> | boolean | undefined;

/** A sync stopped because a question wasn't answered with yes. */
export class SyncStopped extends UserError {
  readonly question: SyncQuestion;

  constructor(question: SyncQuestion) {
    super(messageFor(question));
    this.question = question;
  }
}

const LIMITS = {
  syncBytes: 200_000_000,
  syncFiles: MANY_FILES,
  fileBytes: 1_000_000_000,
  deletes: 20,
  deletedShare: 0.25,
} as const;

/** Returns true for so much that the user is asked. */
export function isHuge(files: number, bytes: number): boolean {
  return bytes > LIMITS.syncBytes || files > LIMITS.syncFiles;
}

/** Returns the questions to ask before a push. `isApproved` is true if a first sync of this size needs no question. */
export function questionsFor(
  plan: PreparedPush,
  isApproved: boolean,
  credentials: readonly string[] = [],
): SyncQuestion[] {
  const questions: SyncQuestion[] = [];
  const hugeFiles = plan.largest.filter(({ bytes }) => bytes > LIMITS.fileBytes);
  if (plan.isFirst && !isApproved) questions.push({ kind: 'first-sync', plan, credentials });
  if (hugeFiles.length > 0) questions.push({ kind: 'huge-file', files: hugeFiles });
  else if (!plan.isFirst && isHuge(plan.puts, plan.putBytes))
    questions.push({ kind: 'huge-sync', files: plan.puts, bytes: plan.putBytes, plan });
  if (plan.deletes > LIMITS.deletes && plan.deletes > plan.syncedCount * LIMITS.deletedShare)
    questions.push({
      kind: 'mass-deletion',
      deletes: plan.deletes,
      syncedCount: plan.syncedCount,
      examples: plan.deleteExamples,
    });
  return questions;
}

function messageFor(question: SyncQuestion): string {
  switch (question.kind) {
    case 'first-sync':
    case 'huge-sync':
    case 'credentials':
      return strings.syncDeclined();
    case 'huge-file':
      return strings.largeFileDeclined(question.files[0]?.path ?? '');
    case 'mass-deletion':
      return strings.deletionDeclined(question.deletes, question.syncedCount);
    case 'remote-changes':
      return strings.overwriteDeclined();
    case 'mirror':
      return strings.mirrorDeclined();
    case 'huge-pull':
      return strings.hugePullDeclined(question.files);
    case 'sensitive-pull':
      return strings.sensitivePullDeclined();
  }
}
