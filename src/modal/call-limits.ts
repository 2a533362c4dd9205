import type { Sandbox } from 'modal';
import type { ClientMiddleware } from 'nice-grpc';
import { untilAborted } from '../base/cancellation.ts';
import { HOUR_MS, MINUTE_MS, systemClock } from '../base/clock.ts';
import { Code } from './error-shape.ts';

/**
 * The longest waits for an answer of Modal. After that, a call fails with DEADLINE_EXCEEDED. The SDK (0.11.1) would wait for
 * ever: its connection stays alive as long as the server answers pings.
 */
export interface CallLimits {
  /** Calls that only look something up or note it. They can take a minute if the server says that it's busy. */
  readonly quickMs: number;
  /** All other calls that answer once, such as the start of a sandbox: the SDK lets it wait for its GPU for 21 minutes. */
  readonly slowMs: number;
  /** The first command of a sandbox. The SDK lets it wait for five minutes until the sandbox runs. */
  readonly firstCommandMs: number;
  /** The start of any other command. */
  readonly nextCommandMs: number;
}

const LIMITS: CallLimits = {
  quickMs: 2 * MINUTE_MS,
  slowMs: HOUR_MS,
  firstCommandMs: 7 * MINUTE_MS,
  nextCommandMs: 2 * MINUTE_MS,
};

const QUICK = /\/(?:\w+GetOrCreate|\w+List|\w+Delete|AuthTokenGet|SandboxTags(?:Get|Set)\w*)$/;

/** Limits the calls of a client, except streams in either direction. */
export function limitCalls({ quickMs, slowMs } = LIMITS): ClientMiddleware {
  return async function* limited(call, options) {
    if (call.requestStream || call.responseStream) return yield* call.next(call.request, options);
    using limit = new Limit(QUICK.test(call.method.path) ? quickMs : slowMs);
    const signal = options.signal ? AbortSignal.any([options.signal, limit.signal]) : limit.signal;
    try {
      return yield* call.next(call.request, { ...options, signal });
    } catch (error) {
      throw limit.signal.aborted && !options.signal?.aborted ? limit.signal.reason : error;
    }
  };
}

type Exec = Sandbox['exec'];

/** Sandboxes that have started a command. */
const answered = new WeakSet<object>();
let sdkExec: Exec | undefined;

/** Limits the start of each command. Those calls go to the sandbox's router, which the middleware of a client doesn't see. */
export function limitCommands(sandboxClass: typeof Sandbox): void {
  sdkExec ??= sandboxClass.prototype.exec;
  sandboxClass.prototype.exec = limitedExec(sdkExec);
}

/** Returns the SDK's function `exec` with a limit. A command that starts later has its input ended, so that it exits. */
export function limitedExec(exec: Exec, { firstCommandMs, nextCommandMs } = LIMITS): Exec {
  async function limited(this: Sandbox, ...args: Parameters<Exec>): Promise<unknown> {
    using limit = new Limit(answered.has(this) ? nextCommandMs : firstCommandMs);
    const starting = exec.apply(this, args);
    const endInput = () => void starting.then((late) => late.closeStdin()).catch(() => {});
    const process = await untilAborted(starting, limit.signal, endInput);
    answered.add(this);
    return process;
  }
  return limited as Exec;
}

/** Aborts its signal after a time, unless it's disposed before. */
class Limit implements Disposable {
  readonly #end = new AbortController();
  readonly #stop: () => void;

  constructor(limitMs: number) {
    this.#stop = systemClock.after(limitMs, () => this.#end.abort(noAnswer(limitMs)));
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}

/** Has the shape of a gRPC error. */
function noAnswer(waitedMs: number): Error {
  const details = `no answer within ${waitedMs / 1000} seconds`;
  return Object.assign(new Error(details), { code: Code.deadline, details });
}
