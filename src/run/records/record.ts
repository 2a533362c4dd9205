import { z } from 'zod';
import type { Target } from '../targets/target.ts';

const VERSION = 1;

/** How to start a run again. */
const AgainSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('file'),
    /** The file that was run. */
    uri: z.string(),
    /** The part of the file that was run, if not all of it. */
    target: z.custom<Target>((value) => typeof value === 'object' && value !== null && 'kind' in value).optional(),
    /** The arguments, as typed in a shell. */
    args: z.string().optional(),
  }),
  z.object({
    kind: z.literal('task'),
    /** The task's name, as in `modal.runTask`. */
    name: z.string(),
  }),
]);

export type RunAgain = z.infer<typeof AgainSchema>;

const StartedSchema = z.object({
  v: z.literal(VERSION),
  event: z.literal('started'),
  id: z.string(),
  /** In milliseconds since 1970. */
  at: z.number(),
  /** The window that runs it. */
  windowId: z.string(),
  label: z.string(),
  /** The command line in the sandbox. */
  command: z.string(),
  folder: z.object({ name: z.string(), path: z.string() }),
  again: AgainSchema.optional(),
});

const EndedSchema = z.object({
  v: z.literal(VERSION),
  event: z.literal('ended'),
  id: z.string(),
  durationMs: z.number(),
  outcome: z.enum(['exited', 'canceled', 'failed']),
  exitCode: z.number().optional(),
  signal: z.string().optional(),
  /** Why it failed, as a message. */
  error: z.string().optional(),
  profile: z.string().optional(),
  sandboxId: z.string().optional(),
  timings: z
    .object({
      startMs: z.number(),
      syncMs: z.number(),
      firstOutputMs: z.number().optional(),
      runMs: z.number(),
      pullMs: z.number().optional(),
    })
    .optional(),
  /** What was synced before the run. */
  synced: z.object({ files: z.number(), bytes: z.number() }).optional(),
  /** The estimated cost in US dollars: its duration at `pricePerHourUsd`. */
  costUsd: z.number().optional(),
  pricePerHourUsd: z.number().optional(),
  output: z.object({
    /** The length of all that the program printed. */
    bytes: z.number(),
    /** The length of the stored start; the stored end follows it, if something between them is missing. */
    headBytes: z.number(),
    /** Something between the stored start and end is missing. */
    isCut: z.boolean(),
  }),
});

const DeletedSchema = z.object({ v: z.literal(VERSION), event: z.literal('deleted'), id: z.string() });

const EntrySchema = z.discriminatedUnion('event', [StartedSchema, EndedSchema, DeletedSchema]);

/** A line of a file of records. */
export type Entry = z.infer<typeof EntrySchema>;
export type Started = z.infer<typeof StartedSchema>;
export type Ended = z.infer<typeof EndedSchema>;

/** What is kept of a run. */
export interface RunRecord extends Omit<Started, 'v' | 'event'> {
  /** Undefined while it's running, or if its window was lost. */
  readonly end: Omit<Ended, 'v' | 'event' | 'id'> | undefined;
}

export const entryOf = {
  started: (fields: Omit<Started, 'v' | 'event'>): Started => ({ v: VERSION, event: 'started', ...fields }),
  ended: (fields: Omit<Ended, 'v' | 'event'>): Ended => ({ v: VERSION, event: 'ended', ...fields }),
  deleted: (id: string): Entry => ({ v: VERSION, event: 'deleted', id }),
};

/**
 * Returns an entry as text. It begins with a line break, so that it's whole even if the entry before it isn't, because its
 * window was killed or the disk was full.
 */
export function formatEntry(entry: Entry): string {
  return `\n${JSON.stringify(entry)}\n`;
}

/** Returns the records in a file, the latest first. Skips lines that are incomplete or of another version. */
export function parseRecords(text: string): RunRecord[] {
  const records = new Map<string, RunRecord>();
  for (const line of text.split('\n')) {
    const entry = line === '' ? undefined : parseEntry(line);
    if (entry?.event === 'started') {
      const { v, event, ...fields } = entry;
      records.set(entry.id, { ...fields, end: undefined });
    } else if (entry?.event === 'ended') {
      const record = records.get(entry.id);
      const { v, event, id, ...end } = entry;
      if (record) records.set(id, { ...record, end });
    } else if (entry) records.delete(entry.id);
  }
  return [...records.values()].sort((a, b) => b.at - a.at);
}

function parseEntry(line: string): Entry | undefined {
  try {
    return EntrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
