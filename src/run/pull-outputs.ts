import { explainAndLog } from '../modal/explain/explain.ts';
import type { Session } from '../sandboxes/session.ts';
import type { RunOutput, RunRequest } from './request.ts';
import type { RunServices } from './services.ts';
import { strings } from './strings.ts';
import { progressLine, pullReport } from './sync-report.ts';

/**
 * Pulls the files that a request and its profile name, after its program has exited. Never overwrites local changes.
 * Resolves with a message if it failed.
 */
export async function pullOutputs(
  { folder, pull: own, sync }: RunRequest,
  { sandbox, pull: ofProfile }: Session,
  { syncs, ask, unsaved }: RunServices,
  output: RunOutput,
  signal: AbortSignal,
): Promise<string | undefined> {
  const pull = sync ? [...ofProfile, ...own] : own;
  if (pull.length === 0) return undefined;
  output.progress(strings.pulling());
  try {
    const result = await syncs.of(folder).pull(sandbox, {
      patterns: pull,
      dirty: unsaved?.(folder) ?? [],
      ask,
      signal,
      onProgress: (progress) => output.progress(progressLine(progress)),
    });
    output.status(pullReport(result));
    return undefined;
  } catch (error) {
    return strings.outputsNotPulled(explainAndLog(error));
  }
}
