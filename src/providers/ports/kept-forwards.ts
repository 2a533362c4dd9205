import type * as vscode from 'vscode';
import { z } from 'zod';
import type { Forward } from '../../channel/forwards.ts';
import { targetName } from '../../channel/socket.ts';

const MEMORY_KEY = 'keptForwards';
/** Only the last sandboxes can be resumed. */
const MAX_SANDBOXES = 20;

const TargetSchema = z.union([
  z.object({ host: z.string().optional(), port: z.number() }),
  z.object({ path: z.string() }),
]);
const MemorySchema = z.array(
  z.object({ sandboxId: z.string(), forwards: z.array(z.object({ target: TargetSchema, localPort: z.number() })) }),
);

/** What is forwarded from a sandbox, and to which port of this computer. */
export type KeptForward = Pick<Forward, 'target' | 'localPort'>;

/** Remembers which ports the user forwarded from which sandbox, across windows, for when the sandbox is resumed. */
export class KeptForwards {
  readonly #memory: Pick<vscode.Memento, 'get' | 'update'>;

  constructor(memory: Pick<vscode.Memento, 'get' | 'update'>) {
    this.#memory = memory;
  }

  of(sandboxId: string): readonly KeptForward[] {
    return this.#all.find((each) => each.sandboxId === sandboxId)?.forwards ?? [];
  }

  async add({ sandboxId, target, localPort }: Forward): Promise<void> {
    await this.#set(sandboxId, [...this.#without(sandboxId, target), { target, localPort }]);
  }

  async remove({ sandboxId, target }: Pick<Forward, 'sandboxId' | 'target'>): Promise<void> {
    await this.#set(sandboxId, this.#without(sandboxId, target));
  }

  get #all(): z.infer<typeof MemorySchema> {
    return MemorySchema.safeParse(this.#memory.get(MEMORY_KEY)).data ?? [];
  }

  #without(sandboxId: string, target: Forward['target']): KeptForward[] {
    return this.of(sandboxId).filter((each) => targetName(each.target) !== targetName(target));
  }

  async #set(sandboxId: string, forwards: readonly KeptForward[]): Promise<void> {
    const others = this.#all.filter((each) => each.sandboxId !== sandboxId);
    const all = forwards.length > 0 ? [...others, { sandboxId, forwards }] : others;
    await this.#memory.update(MEMORY_KEY, all.slice(-MAX_SANDBOXES));
  }
}
