import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import type { Budget } from '../../sandboxes/cost/budget.ts';
import type { MachineState } from '../../sandboxes/machine-state.ts';
import type { SandboxStarter } from '../../sandboxes/sandbox-starter.ts';
import { type PauseReason, pauseReasonFor } from '../../sandboxes/warm/pause-reason.ts';
import type { WarmTarget } from '../../sandboxes/warm/pool.ts';
import { isOnBattery } from '../../sandboxes/warm/power.ts';
import { readSettings } from '../common/settings.ts';
import type { WindowActivity } from './window-activity.ts';

/** The file through which a window stops the warm-ups of all windows on this computer. */
const STOPPED_FILE = 'stopped.json';
const StoppedSchema = z.object({ at: z.number() });

export interface PauseConditionsDependencies {
  readonly starter: SandboxStarter;
  readonly machine: MachineState;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly activity: WindowActivity;
}

/** Decides whether warm-ups are paused: by the user, the settings, the window's activity, or the budget. */
export class PauseConditions {
  readonly #dependencies: PauseConditionsDependencies;
  #resumedAt: number;

  constructor(dependencies: PauseConditionsDependencies) {
    this.#dependencies = dependencies;
    this.#resumedAt = dependencies.clock.now();
  }

  /** Pauses warm-ups in all windows on this computer, in each until its next run. */
  async stop(): Promise<void> {
    const { machine, clock } = this.#dependencies;
    await machine.write(STOPPED_FILE, { at: clock.now() });
  }

  /** Notes a run in this window, which resumes stopped warm-ups. */
  resume(): void {
    this.#resumedAt = this.#dependencies.clock.now();
  }

  /** Returns why a target's warm-ups are paused; undefined if they aren't. */
  async reasonFor({ warm }: WarmTarget): Promise<PauseReason | undefined> {
    const { starter, machine, budget, clock, activity } = this.#dependencies;
    const { pauseAfterIdleMinutes, pauseOnBattery } = readSettings().warm;
    return pauseReasonFor(warm, {
      now: clock.now(),
      stoppedAt: (await machine.read(STOPPED_FILE, StoppedSchema))?.at,
      resumedAt: this.#resumedAt,
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
