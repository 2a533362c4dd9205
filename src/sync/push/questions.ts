import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, parse, resolve, sep } from 'node:path';
import { UserError } from '../../base/errors.ts';
import type { PreparedPush } from './prepared.ts';

/** Something the engine does not decide by itself. Sizes in bytes. */
export type SyncQuestion =
  /** The first sync of a folder: what would be sent, and what not. Asked once for each folder. */
  | { readonly kind: 'first-sync'; readonly plan: PreparedPush }
  | { readonly kind: 'huge-sync'; readonly files: number; readonly bytes: number; readonly plan: PreparedPush }
  | { readonly kind: 'huge-file'; readonly files: readonly { readonly path: string; readonly bytes: number }[] }
  | {
      readonly kind: 'mass-deletion';
      readonly deletes: number;
      readonly syncedCount: number;
      readonly examples: readonly string[];
    }
  /** A program in the sandbox changed these synced files; yes overwrites them, no leaves them. */
  | { readonly kind: 'remote-changes'; readonly paths: readonly string[] }
  | { readonly kind: 'mirror'; readonly extras: readonly string[] }
  /** Pulling these would change what programs on this machine run. */
  | { readonly kind: 'sensitive-pull'; readonly paths: readonly string[] };

/** Answers a question; anything but `true` is a no. */
export type Ask = (question: SyncQuestion) => Promise<boolean> | boolean;

/** A sync that stopped at a question nobody answered with yes. */
export class SyncStopped extends UserError {
  readonly question: SyncQuestion;

  constructor(question: SyncQuestion) {
    super(sentenceFor(question));
    this.question = question;
  }
}

const LIMITS = {
  syncBytes: 200_000_000,
  syncFiles: 20_000,
  fileBytes: 1_000_000_000,
  deletes: 20,
  deletedShare: 0.25,
} as const;

/** What must be asked before a prepared push. */
export function questionsFor(plan: PreparedPush): SyncQuestion[] {
  const questions: SyncQuestion[] = [];
  const isHuge = plan.putBytes > LIMITS.syncBytes || plan.puts > LIMITS.syncFiles;
  const hugeFiles = plan.largest.filter(({ bytes }) => bytes > LIMITS.fileBytes);
  if (plan.isFirst && !plan.isApproved) questions.push({ kind: 'first-sync', plan });
  if (hugeFiles.length > 0) questions.push({ kind: 'huge-file', files: hugeFiles });
  else if (!plan.isFirst && isHuge) questions.push({ kind: 'huge-sync', files: plan.puts, bytes: plan.putBytes, plan });
  if (plan.deletes > LIMITS.deletes && plan.deletes > plan.syncedCount * LIMITS.deletedShare)
    questions.push({
      kind: 'mass-deletion',
      deletes: plan.deletes,
      syncedCount: plan.syncedCount,
      examples: plan.deleteExamples,
    });
  return questions;
}

/** Throws `UserError` for a folder that is never synced: a drive's root, a home folder, or one above it. */
export function requireSyncableRoot(root: string): void {
  let real: string;
  try {
    real = realpathSync(root);
  } catch {
    throw new UserError(
      `The folder ${root} is not there. Nothing was changed in the sandbox. Open the folder again, or mount its disk, then run again.`,
    );
  }
  const home = realpathOr(homedir());
  if (real === parse(real).root || real === dirname(home) || `${home}${sep}`.startsWith(`${real}${sep}`))
    throw new UserError(
      `${root} holds more than one project, so it is not synced. Open the project’s own folder, or name it in the setting modal.sync.root.`,
    );
}

function realpathOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function sentenceFor(question: SyncQuestion): string {
  switch (question.kind) {
    case 'first-sync':
    case 'huge-sync':
      return 'The folder was not synced, since nobody agreed to send it. Run again to be asked again.';
    case 'huge-file':
      return `${question.files[0]?.path} is too large to be sent unasked. Exclude it in .modalignore, or keep it in a Modal volume.`;
    case 'mass-deletion':
      return `The sync would delete ${question.deletes} of ${question.syncedCount} files in the sandbox, so it was stopped. Run again and agree, or terminate the sandbox to start afresh.`;
    case 'remote-changes':
      return 'Files that a program changed in the sandbox were not overwritten. Pull them, or run again and agree.';
    case 'mirror':
      return 'The sandbox was left as it is.';
    case 'sensitive-pull':
      return 'Files that change what programs on this machine run were not pulled.';
  }
}
