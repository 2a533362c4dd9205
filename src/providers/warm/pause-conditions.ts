import type { Clock } from '../../base/clock.ts';
import type { NamedProfile } from '../../profiles/profiles.ts';
import type { Budget } from '../../sandboxes/cost/budget.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { MachineState } from '../../sandboxes/machine-state.ts';
import type { SandboxStarter } from '../../sandboxes/sandbox-starter.ts';
import { type PauseReason, pauseReasonFor } from '../../sandboxes/warm/pause-reason.ts';
import type { WarmTarget } from '../../sandboxes/warm/pool.ts';
import { isOnBattery } from '../../sandboxes/warm/power.ts';
import { StopMark } from '../../sandboxes/warm/stop-mark.ts';
import { readSettings } from '../common/settings.ts';
import type { WindowActivity } from './window-activity.ts';

export interface PauseConditionsDependencies {
  readonly profiles: { isAllowed(folder: Folder, named: NamedProfile): Promise<boolean> };
  readonly starter: SandboxStarter;
  readonly machine: MachineState;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly activity: WindowActivity;
}

/** Decides whether warm-ups are paused: by the user, the settings, the window's activity, or the budget. */
export class PauseConditions {
  readonly #dependencies: PauseConditionsDependencies;
  readonly #stops: StopMark;

  constructor(dependencies: PauseConditionsDependencies) {
    this.#dependencies = dependencies;
    this.#stops = new StopMark(dependencies.machine);
  }

  /** Pauses warm-ups in all windows on this computer, in each until its next run. */
  stop(): Promise<void> {
    return this.#stops.stop();
  }

  /** Notes a run in this window, which resumes stopped warm-ups. */
  resume(): void {
    this.#stops.resume();
  }

  /** Returns why a target's warm-ups are paused; undefined if they aren't. */
  async reasonFor({ folder, named, warm }: WarmTarget): Promise<PauseReason | undefined> {
    const { profiles, starter, budget, clock, activity } = this.#dependencies;
    const { pauseAfterIdleMinutes, pauseOnBattery } = readSettings().warm;
    return pauseReasonFor(warm, {
      isAllowed: () => profiles.isAllowed(folder, named),
      now: clock.now(),
      isStopped: await this.#stops.isStopped(),
      isFocused: activity.isFocused,
      idleMs: activity.idleMs,
      pauseAfterIdleMs: pauseAfterIdleMinutes * 60_000,
      pauseOnBattery,
      isOnBattery,
      isBudgetSpent: async () =>
        (await starter.connection()).account.isLocal !== true && (await budget.check()).level === 'spent',
    });
  }
}
