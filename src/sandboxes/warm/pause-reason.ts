import { isWorkingTime } from '../../profiles/schedule.ts';
import type { WarmProfile } from '../../profiles/schema.ts';
import { strings } from '../strings.ts';

/** Why no sandbox is kept warm at the moment. */
export interface PauseReason {
  /** Completes “paused: …”. */
  readonly text: string;
  /** Warm sandboxes are stopped at once, instead of when they reach their idle timeout. */
  readonly stopsSandboxes?: boolean;
  /** The user decides, by reviewing what the folder asks for. */
  readonly needsPermission?: boolean;
}

/** The state of this window, its user, and this computer that warm-ups depend on. Times are in milliseconds. */
export interface WarmConditions {
  /** Returns whether the user has allowed everything that the profile causes. */
  isAllowed(): Promise<boolean>;
  /** Since 1970. */
  readonly now: number;
  /** The user stopped all sandboxes and warm-ups in a window on this computer, after this window's last run. */
  readonly isStopped: boolean;
  readonly isFocused: boolean;
  readonly idleMs: number;
  /** 0 means never. */
  readonly pauseAfterIdleMs: number;
  readonly pauseOnBattery: boolean;
  isOnBattery(): Promise<boolean>;
  isBudgetSpent(): Promise<boolean>;
}

/**
 * Returns why a profile isn't kept warm; undefined if it may be. The user's permission is checked first: nothing else happens
 * without it. The most expensive conditions are checked last.
 */
export async function pauseReasonFor(
  { when, workingHours, timezone }: WarmProfile,
  conditions: WarmConditions,
): Promise<PauseReason | undefined> {
  const { now, isStopped, isFocused, idleMs, pauseAfterIdleMs, pauseOnBattery } = conditions;
  if (!(await conditions.isAllowed()))
    return { text: strings.pausedUntilAllowed(), stopsSandboxes: true, needsPermission: true };
  if (isStopped) return { text: strings.pausedUntilNextRun(), stopsSandboxes: true };
  if (when === 'focused' && !isFocused) return { text: strings.pausedWithoutFocus() };
  if (when === 'working-hours' && !isWorkingTime(workingHours, timezone, now))
    return { text: strings.pausedOutsideWorkingHours(workingHours) };
  if (pauseAfterIdleMs > 0 && idleMs > pauseAfterIdleMs) return { text: strings.pausedByInactivity() };
  if (pauseOnBattery && (await conditions.isOnBattery())) return { text: strings.pausedOnBattery() };
  if (await conditions.isBudgetSpent()) return { text: strings.pausedByBudget(), stopsSandboxes: true };
  return undefined;
}
