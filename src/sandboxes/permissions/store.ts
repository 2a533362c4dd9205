import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { MachineState } from '../machine-state.ts';

const AnswerSchema = z.object({
  key: z.string(),
  allowed: z.boolean(),
  /** What was asked, in words, for a later review. */
  text: z.string(),
  /** The size of the files that was asked about. */
  bytes: z.number().optional(),
});

/** A user's answer about one thing. Only answers that the user gave themselves are stored. */
export type Answer = z.infer<typeof AnswerSchema>;

/** A folder and an account, to which answers belong. */
export interface AnswerScope {
  /** The path of the workspace folder. Its real path counts. */
  readonly root: string;
  readonly accountId: string;
}

/** The answers given on this computer. Each is a file of its own, so that windows don't overwrite each other's. */
export class PermissionStore {
  readonly #machine: MachineState;

  constructor(machine: MachineState) {
    this.#machine = machine;
  }

  /** Returns the answers for a folder and account, by key. */
  async answers(scope: AnswerScope): Promise<Map<string, Answer>> {
    const folder = await folderOf(scope);
    const names = await this.#machine.list(folder);
    const answers = await Promise.all(names.map((name) => this.#machine.read(join(folder, name), AnswerSchema)));
    return new Map(answers.flatMap((answer) => (answer ? [[answer.key, answer]] : [])));
  }

  /** Forgets the answers for a folder and account, so that all is asked again. Resolves with their number. */
  async forget(scope: AnswerScope): Promise<number> {
    const folder = await folderOf(scope);
    const names = await this.#machine.list(folder);
    for (const name of names) await this.#machine.remove(join(folder, name));
    return names.length;
  }

  /** Remembers answers. If they can't be written, they hold for this window. */
  async remember(scope: AnswerScope, answers: readonly Answer[]): Promise<void> {
    const folder = await folderOf(scope);
    for (const answer of answers) await this.#machine.write(join(folder, `${hashOf(answer.key)}.json`), answer);
  }
}

async function folderOf({ root, accountId }: AnswerScope): Promise<string> {
  const real = await realpath(root).catch(() => resolve(root));
  return join('permissions', hashOf(JSON.stringify([real, accountId])));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
