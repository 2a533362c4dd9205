import type { ModalClient } from 'modal';
import { MAX_LIFETIME_MS } from './sandboxes.ts';

/** The output of a sandbox's entrypoint, as far as it has been read. */
export interface SandboxLog {
  readonly text: string;
  /** The timestamp of the last line. */
  readonly lastAt: Date;
  /** The number of lines read with that timestamp. */
  readonly linesAtLast: number;
}

/** The maximum age of a log's start, with a margin. */
const MAX_AGE_MS = 2 * MAX_LIFETIME_MS;
/** The end of a long log is kept. */
const MAX_CHARS = 8 * 1024 * 1024;

/**
 * Continues reading where `before` ended. More lines with its last timestamp may have followed, so the lines of that
 * timestamp are read again and skipped by count.
 */
export async function readSandboxLog(
  client: ModalClient,
  sandboxId: string,
  before: SandboxLog = { text: '', lastAt: new Date(Date.now() - MAX_AGE_MS), linesAtLast: 0 },
): Promise<SandboxLog> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  let { text, lastAt, linesAtLast } = before;
  let known = before.linesAtLast;
  for await (const { message, timestamp } of sandbox.logs.fetch({ since: before.lastAt })) {
    const isAtStart = timestamp.getTime() === before.lastAt.getTime();
    if (isAtStart && known-- > 0) continue;
    linesAtLast = timestamp.getTime() === lastAt.getTime() ? linesAtLast + 1 : 1;
    lastAt = timestamp;
    text += message;
    if (text.length > 2 * MAX_CHARS) text = endOf(text);
  }
  return { text: endOf(text), lastAt, linesAtLast };
}

/** Returns the last lines of a long text. */
function endOf(text: string): string {
  return text.length > MAX_CHARS ? text.slice(text.indexOf('\n', text.length - MAX_CHARS) + 1) : text;
}
