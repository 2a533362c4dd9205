import type { ModalClient } from 'modal';

/** What a sandbox's entrypoint has printed, as far as it was read. */
export interface SandboxLog {
  readonly text: string;
  /** When the last line was printed, and how many lines were at that moment. */
  readonly lastAt: Date;
  readonly atLast: number;
}

/** A sandbox lives for a day at most; its log is looked for since before that. */
const OLDEST_MS = 48 * 60 * 60_000;
/** What is kept of a long log: the end of it. */
const MOST_CHARS = 8 * 1024 * 1024;

/** Reads on where `before` ended. A moment can bring more lines later, so its lines are asked for again and counted. */
export async function readSandboxLog(
  client: ModalClient,
  sandboxId: string,
  before: SandboxLog = { text: '', lastAt: new Date(Date.now() - OLDEST_MS), atLast: 0 },
): Promise<SandboxLog> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  let { text, lastAt, atLast } = before;
  let known = before.atLast;
  for await (const { message, timestamp } of sandbox.logs.fetch({ since: before.lastAt })) {
    const isAtStart = timestamp.getTime() === before.lastAt.getTime();
    if (isAtStart && known-- > 0) continue;
    atLast = timestamp.getTime() === lastAt.getTime() ? atLast + 1 : 1;
    lastAt = timestamp;
    text += message;
  }
  return {
    text: text.length > MOST_CHARS ? text.slice(text.indexOf('\n', text.length - MOST_CHARS) + 1) : text,
    lastAt,
    atLast,
  };
}
