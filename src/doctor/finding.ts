import type { ActionId } from '../base/errors.ts';

/** What a check says about its subject. A warning is about something that works but may not be wanted. */
export type Result = 'passed' | 'warning' | 'failed' | 'skipped';

/** What a check has found. */
export interface Finding {
  readonly result: Result;
  /** One or more sentences for users. */
  readonly message: string;
  /** The next steps to offer, the most helpful one first. */
  readonly actions: readonly ActionId[];
}

export const passed = (message: string): Finding => ({ result: 'passed', message, actions: [] });
export const skipped = (message: string): Finding => ({ result: 'skipped', message, actions: [] });
export const warning = (message: string, ...actions: ActionId[]): Finding => ({ result: 'warning', message, actions });
export const failed = (message: string, ...actions: ActionId[]): Finding => ({ result: 'failed', message, actions });
