import { z } from 'zod';
import type { DebugEvent, Request, Response } from './protocol.ts';

/** The number of frames that the editor shows at first. */
const LEVELS = 20;

const StoppedSchema = z.object({ threadId: z.number() });
const StackSchema = z.strictObject({
  threadId: z.number(),
  startFrame: z.number().default(0),
  levels: z.number().min(1),
});
const FramesSchema = z.looseObject({ stackFrames: z.array(z.unknown()), totalFrames: z.number().optional() });

/** Sends a request to the adapter, and resolves with its response. */
type Ask = (command: string, args: unknown) => Promise<Response>;

/**
 * Asks for the threads and the stack as soon as the program has stopped, since the editor always does, one after the other.
 * This saves a round trip to the sandbox at every step.
 */
export class StackAhead {
  readonly #ask: Ask;
  #threadId: number | undefined;
  #threads: Promise<Response> | undefined;
  #stack: Promise<Response> | undefined;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Notes an event of the adapter, before the editor gets it. */
  noteEvent({ event, body }: DebugEvent): void {
    if (event === 'thread' || event === 'continued' || event === 'invalidated') this.forget();
    const stopped = event === 'stopped' ? StoppedSchema.safeParse(body).data : undefined;
    if (!stopped) return;
    this.#threadId = stopped.threadId;
    this.#threads = this.#ask('threads', undefined);
    this.#stack = this.#ask('stackTrace', { ...stopped, startFrame: 0, levels: LEVELS });
  }

  /** Returns the answer to a request that was made ahead. Resolves with undefined if it doesn't have all that is asked for. */
  answer({ command, arguments: args }: Request): Promise<Response | undefined> | undefined {
    if (command === 'threads') return this.#threads;
    const asked = command === 'stackTrace' ? StackSchema.safeParse(args).data : undefined;
    if (!asked || asked.threadId !== this.#threadId) return undefined;
    return this.#stack?.then((stack) => partOf(stack, asked));
  }

  /** Forgets what was asked for, because it may have changed. */
  forget(): void {
    this.#threadId = undefined;
    this.#threads = undefined;
    this.#stack = undefined;
  }
}

function partOf(stack: Response, { startFrame, levels }: z.infer<typeof StackSchema>): Response | undefined {
  const frames = FramesSchema.safeParse(stack.body).data;
  if (!frames) return undefined;
  const { length } = frames.stackFrames;
  const isComplete = length < LEVELS;
  if (!isComplete && startFrame + levels > length) return undefined;
  return { ...stack, body: { ...frames, stackFrames: frames.stackFrames.slice(startFrame, startFrame + levels) } };
}
