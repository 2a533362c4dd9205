import type { Sandbox } from 'modal';
import { type EndCause, logLine } from '../base/log-lines.ts';

/** Logs when the sandboxes that this window uses start and end, each end once. */
export class SandboxLog {
  readonly #known = new Map<string, { readonly profile?: string | undefined; readonly startedAt?: number }>();
  readonly #ended = new Set<string>();

  started({ sandboxId }: Sandbox, profile: string | undefined, durationMs: number): void {
    this.#known.set(sandboxId, { profile, startedAt: Date.now() });
    logLine.sandboxStarted(sandboxId, profile, durationMs);
  }

  /** `startedAt` is in milliseconds since 1970. */
  taken({ sandboxId }: Sandbox, profile: string, startedAt: number): void {
    this.#known.set(sandboxId, { profile, startedAt });
    logLine.sandboxTaken(sandboxId, profile, Date.now() - startedAt);
  }

  ended(sandboxId: string, cause: EndCause): void {
    if (this.#ended.has(sandboxId)) return;
    this.#ended.add(sandboxId);
    const { profile, startedAt } = this.#known.get(sandboxId) ?? {};
    this.#known.delete(sandboxId);
    logLine.sandboxEnded(sandboxId, profile, cause, startedAt && Date.now() - startedAt);
  }
}
