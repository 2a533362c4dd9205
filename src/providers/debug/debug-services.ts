import type * as vscode from 'vscode';
import type { Channel, Channels } from '../../channel/channels.ts';
import type { ChildProcess } from '../../debug/children.ts';
import type { RunServices } from '../../run/services.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { DebugInstaller } from './debug-installer.ts';
import type { DebugTerminals } from './debug-terminals.ts';
import type { DebugRequests } from './launch-requests.ts';
import { strings } from './strings.ts';

/** The account, as debug sessions need it. */
export interface DebugAccount {
  /** Offers to choose an account if none is chosen. Resolves with true if one is chosen then. */
  ensureChosen(): Promise<boolean>;
  /** Offers to sign in again. Resolves with true if what failed since `startedAt` (`performance.now()`) may work now. */
  recover(message: string, startedAt: number): Promise<boolean>;
}

/** A process that a debugged program has started. */
export interface ChildPlace {
  readonly child: ChildProcess;
  readonly sandboxId: string;
}

/** What each debug session uses. */
export interface DebugServices {
  readonly sessions: Sessions;
  readonly channels: Channels;
  readonly runs: RunServices;
  readonly requests: DebugRequests;
  readonly account: DebugAccount;
  /** The rules by which folders are synced. */
  readonly rules: { whyNotSynced(uri: vscode.Uri): Promise<string | undefined> };
  readonly terminals: DebugTerminals;
  readonly installer: DebugInstaller;
}

/** Opens a channel of the debugger to a child process. Throws the SDK's errors if its sandbox has ended. */
export async function channelTo(
  { child, sandboxId }: ChildPlace,
  { sessions, channels }: Pick<DebugServices, 'sessions' | 'channels'>,
): Promise<Channel> {
  return channels.of(await sessions.find(sandboxId), { owner: strings.debugger(), reason: child.name });
}
