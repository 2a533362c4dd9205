import type { Generation } from '../index/generation.ts';
import type { PullReceiver, ReceiveRequest } from '../pull/pull-receiver.ts';
import type { Compression } from '../push/archive.ts';
import type { PrepareRequest } from '../push/prepared.ts';
import type { Core } from './core.ts';

/** The calls that the thread answers about the local folder and the index. */
export const CORE_CALLS = {
  prepare: (core: Core, request: PrepareRequest) => core.prepare(request),
  survey: (core: Core, request: PrepareRequest) => core.survey(request),
  confirm: (core: Core, sandboxId: string) => core.confirm(sandboxId),
  explain: (core: Core, paths: readonly string[]) => core.explain(paths),
  open: (core: Core, sandboxId: string) => core.open(sandboxId),
  next: (core: Core, sandboxId: string, generation: Generation, compression: Compression) =>
    core.next(sandboxId, generation, compression),
  inline: (core: Core, sandboxId: string, maxBytes: number) => core.inline(sandboxId, maxBytes),
  commit: (core: Core, sandboxId: string) => core.commit(sandboxId),
  withdraw: (core: Core, sandboxId: string) => core.withdraw(sandboxId),
  abandon: (core: Core, sandboxId: string) => core.abandon(sandboxId),
  adopt: (core: Core, sandboxId: string, generation: Generation) => core.adopt(sandboxId, generation),
  reset: (core: Core, sandboxId: string) => core.reset(sandboxId),
  reconcile: (core: Core, sandboxId: string, output: Uint8Array) => core.reconcile(sandboxId, output),
  changes: (core: Core, sandboxId: string, output: Uint8Array) => core.changes(sandboxId, output),
  prunedFolders: (core: Core, sandboxId: string) => core.prunedFolders(sandboxId),
  stamps: (core: Core, sandboxId: string) => core.stamps(sandboxId),
  tell: (core: Core, keys: readonly string[]) => core.states.told.add(keys),
  forget: (core: Core, sandboxId: string, folder: string) => core.forget(sandboxId, folder),
} as const;

/** The calls that the thread answers about an archive that is being pulled. */
export const RECEIVER_CALLS = {
  begin: (receiver: PullReceiver, request: ReceiveRequest) => receiver.begin(request),
  take: (receiver: PullReceiver, piece: Uint8Array) => receiver.take(piece),
  end: (receiver: PullReceiver) => receiver.end(),
  abort: (receiver: PullReceiver) => receiver.abort(),
} as const;

interface Tables {
  readonly core: typeof CORE_CALLS;
  readonly receiver: typeof RECEIVER_CALLS;
}

export type TableName = keyof Tables;
export type CallName<Table extends TableName> = keyof Tables[Table] & string;
export type CallArgs<Table extends TableName, Name extends CallName<Table>> = Tables[Table][Name] extends (
  target: never,
  ...args: infer Args
) => unknown
  ? Args
  : never;
export type CallResult<Table extends TableName, Name extends CallName<Table>> = Tables[Table][Name] extends (
  ...args: never[]
) => infer Result
  ? Awaited<Result>
  : never;

/** A call as it is posted to the thread. */
export type Call = { [Table in TableName]: CallOf<Table> }[TableName];

export interface CallOf<Table extends TableName> {
  readonly id: number;
  readonly table: Table;
  readonly name: CallName<Table>;
  readonly args: readonly unknown[];
}

/** An answer of the thread: progress in entries found, and then a value or an error. In between, what isn't stored. */
export type Answer =
  | { readonly id: number; readonly files: number }
  | { readonly unsaved: string }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: CallError };

export interface CallError {
  readonly message: string;
  readonly code?: string | undefined;
  /** True for the message of a `UserError`. */
  readonly isForUser: boolean;
}
