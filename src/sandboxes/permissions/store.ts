import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
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
  /** The paths of answers that couldn't be written. They hold for this window. */
  readonly #unwritten = new Set<string>();

  constructor(machine: MachineState) {
    this.#machine = machine;
  }

  /** Returns the answers for a folder and account, by key. */
  async answers(scope: AnswerScope): Promise<Map<string, Answer>> {
    const folder = await folderOf(scope);
    const written = (await this.#machine.list(folder)).map((name) => join(folder, name));
    const unwritten = [...this.#unwritten].filter((path) => dirname(path) === folder);
    const paths = [...new Set([...written, ...unwritten])];
    const answers = await Promise.all(paths.map((path) => this.#machine.read(path, AnswerSchema)));
    return new Map(answers.flatMap((answer) => (answer ? [[answer.key, answer]] : [])));
  }

  /** Remembers answers. If they can't be written, they hold for this window. */
  async remember(scope: AnswerScope, answers: readonly Answer[]): Promise<void> {
    const folder = await folderOf(scope);
    for (const answer of answers) {
      const path = join(folder, `${hashOf(answer.key)}.json`);
      if (await this.#machine.write(path, answer)) this.#unwritten.delete(path);
      else this.#unwritten.add(path);
    }
  }
}

async function folderOf({ root, accountId }: AnswerScope): Promise<string> {
  const real = await realpath(root).catch(() => resolve(root));
  return join('permissions', hashOf(JSON.stringify([real, accountId])));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
