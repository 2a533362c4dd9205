import type { ModalClient } from 'modal';

const TIMEOUT_MS = 20_000;

export interface Environment {
  readonly name: string;
  /** Used if no other one is chosen. */
  readonly isDefault: boolean;
}

/** Lists an account's environments, by name. Throws the SDK's errors. */
export async function listEnvironments({ cpClient }: ModalClient, signal: AbortSignal): Promise<Environment[]> {
  const { items } = await cpClient.environmentList({}, { timeoutMs: TIMEOUT_MS, signal });
  return items
    .map(({ name, default: isDefault }) => ({ name, isDefault }))
    .sort((one, other) => one.name.localeCompare(other.name));
}
