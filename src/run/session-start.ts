import { formatAgo } from '../base/text.ts';
import type { Session } from '../sandboxes/session.ts';
import { strings } from './strings.ts';

/** Describes how a run got its sandbox, in lines for its terminal: none if it was running already. */
export function describeStart(session: Session, duration: string): string[] {
  const { sandbox, accountLabel, profile = '', isNew, taken, resumption, refusedEnvFile, isOutdated } = session;
  const id = sandbox.sandboxId;
  const lines: string[] = [];
  if (resumption && 'refusal' in resumption)
    lines.push(
      {
        profile: strings.freshBecauseProfile(profile),
        image: strings.freshBecauseImage(),
        lost: strings.freshBecauseLost(),
        refused: strings.freshBecauseRefused(),
      }[resumption.refusal],
    );
  if (isNew) lines.push(strings.startedSandbox(id, accountLabel, duration));
  if (resumption && 'savedAt' in resumption)
    lines.push(strings.resumedSandbox(formatAgo(Date.now() - resumption.savedAt), id, duration));
  if ((isNew || resumption) && refusedEnvFile !== undefined) lines.push(strings.withoutEnvFile(refusedEnvFile));
  if (taken === 'warm') lines.push(strings.usingWarmSandbox(id));
  if (taken === 'left behind') lines.push(strings.usingEarlierSandbox(id));
  if (isOutdated) lines.push(strings.profileChanged(profile));
  return lines;
}
