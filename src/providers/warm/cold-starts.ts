import type * as vscode from 'vscode';
import type { Disposable } from '../../base/events.ts';
import { formatUsd } from '../../modal/prices.ts';
import { hardwareOf } from '../../profiles/hardware.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { ColdStart } from '../../sandboxes/session.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

/** A start that takes longer counts as slow. */
const SLOW_START_MS = 5_000;
/** After this many slow starts, the user is asked whether to keep a sandbox warm. */
const SLOW_STARTS = 3;
const SLOW_STARTS_KEY = 'coldStarts';

export interface ColdStartOfferDependencies {
  readonly sessions: Sessions;
  /** State shared by all windows. */
  readonly memory: vscode.Memento;
  /** Adds `warm` to a profile of the folder. */
  readonly keepWarm: (folder: Folder, profileName: string) => Promise<void>;
}

/** Offers once, after the third slow start, to keep a sandbox warm. */
export function offerAfterColdStarts({ sessions, memory, keepWarm }: ColdStartOfferDependencies): Disposable {
  const offer = async ({ folder, named: { name, profile }, durationMs }: ColdStart) => {
    const before = memory.get<number>(SLOW_STARTS_KEY, 0);
    if (durationMs < SLOW_START_MS || profile.warm || before >= SLOW_STARTS) return;
    await memory.update(SLOW_STARTS_KEY, before + 1);
    if (before + 1 < SLOW_STARTS) return;
    const price = sessions.prices.perHourUsd(hardwareOf(profile));
    const question = price === undefined ? strings.offerWarm(name) : strings.offerWarmWithPrice(name, formatUsd(price));
    const action = strings.keepWarm();
    if ((await window.showInformationMessage(question, action, strings.no())) === action) await keepWarm(folder, name);
  };
  return sessions.onDidStartCold((start) => void offer(start));
}
