import { isWorkingTime } from '../../profiles/schedule.ts';
import type { WarmProfile } from '../../profiles/schema.ts';

/** Why nothing is kept warm now. */
export interface Obstacle {
  /** For people: `this window is not in front`. */
  readonly words: string;
  /** What is warm is ended at once, instead of when its idle time is over. */
  readonly ends?: boolean;
}

/** What is known of this window, its user and its machine. Times are in milliseconds. */
export interface Circumstances {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** When everything was stopped, in any window of this machine. */
  readonly stoppedAt: number | undefined;
  /** When this window was opened, or had its last run. */
  readonly resumedAt: number;
  readonly isFocused: boolean;
  readonly idleMs: number;
  /** 0: never. */
  readonly pauseAfterIdleMs: number;
  readonly pauseOnBattery: boolean;
  isOnBattery(): Promise<boolean>;
  isBudgetSpent(): Promise<boolean>;
}

/** What stands against keeping a profile warm; undefined when nothing does. Asks what costs something last. */
export async function obstacleTo(
  { when, workingHours, timezone }: WarmProfile,
  known: Circumstances,
): Promise<Obstacle | undefined> {
  if (known.stoppedAt !== undefined && known.stoppedAt > known.resumedAt)
    return { words: 'everything was stopped; the next run goes on', ends: true };
  if (when === 'focused' && !known.isFocused) return { words: 'this window is not in front' };
  if (when === 'working-hours' && !isWorkingTime(workingHours, timezone, known.now))
    return { words: `it is outside of ${workingHours}` };
  if (known.pauseAfterIdleMs > 0 && known.idleMs > known.pauseAfterIdleMs)
    return { words: 'nobody has used this window for a while' };
  if (known.pauseOnBattery && (await known.isOnBattery())) return { words: 'this machine runs on its battery' };
  if (await known.isBudgetSpent()) return { words: 'the budget is spent', ends: true };
  return undefined;
}
