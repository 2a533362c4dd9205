import { progressLine, pullReport, syncReport } from '../run/sync-report.ts';
import type { Context } from './context.ts';
import { EXIT_FAILED } from './outcome.ts';
import { strings } from './strings.ts';

/** `sandboxes sync`: sends the folder's changes. */
export async function sync({ output, signal, service }: Context): Promise<number> {
  const opened = await service();
  const result = await opened.sync({ signal, onProgress: (progress) => output.progress(progressLine(progress)) });
  const { files, bytes, deleted, durationMs } = result;
  output.result({ files, bytes, deleted, durationMs }, syncReport(result).join('\n'));
  return 0;
}

/** `sandboxes pull`: brings files back. */
export async function pull({ args, output, signal, service }: Context): Promise<number> {
  const opened = await service();
  const result = await opened.pull({
    patterns: args,
    signal,
    onProgress: (progress) => output.progress(progressLine(progress)),
  });
  const { written, same, conflicts, refused, sensitive, missing, unmatched } = result;
  output.result({ written, same, conflicts, refused, sensitive, missing, unmatched }, pullReport(result));
  const isComplete = conflicts.length + refused.length + sensitive.length + missing.length + unmatched.length === 0;
  if (opened.unanswered && !output.isJson) output.error(strings.howToAnswer(opened.unanswered.kind));
  return isComplete ? 0 : EXIT_FAILED;
}
