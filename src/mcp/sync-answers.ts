import { formatBytes } from '../base/text.ts';
import type { Folder } from '../sandboxes/folder.ts';
import type { SyncQuestion } from '../sync/push/questions.ts';
import { type AgentPermissions, PermissionNeeded } from './permissions.ts';
import type { AgentSandbox } from './sandboxes.ts';
import { strings } from './strings.ts';

/** Answers what a sync for an agent asks. What would leave this computer is the user's decision. */
export class SyncAnswers {
  readonly #folder: Folder;
  readonly #used: AgentSandbox;
  readonly #permissions: AgentPermissions;
  /** What the user must allow before the sync can be repeated. */
  needed: PermissionNeeded | undefined;

  constructor(folder: Folder, used: AgentSandbox, permissions: AgentPermissions) {
    this.#folder = folder;
    this.#used = used;
    this.#permissions = permissions;
  }

  readonly ask = (question: SyncQuestion): Promise<boolean | undefined> =>
    this.#answer(question).catch((error) => {
      if (!(error instanceof PermissionNeeded)) throw error;
      this.needed = error;
      return undefined;
    });

  async #answer(question: SyncQuestion): Promise<boolean | undefined> {
    switch (question.kind) {
      case 'first-sync':
      case 'huge-sync':
        return this.#maySend(question.plan.puts, question.plan.putBytes);
      case 'huge-file':
        return this.#maySend(
          question.files.length,
          question.files.reduce((sum, { bytes }) => sum + bytes, 0),
        );
      case 'mass-deletion':
      case 'remote-changes':
      case 'mirror':
        // In the agent's own sandbox, the local folder decides.
        return this.#used.origin !== 'shared';
      default:
        return undefined;
    }
  }

  async #maySend(files: number, bytes: number): Promise<true> {
    await this.#permissions.require('send', strings.maySend(this.#folder.path, files, formatBytes(bytes)));
    return true;
  }
}
