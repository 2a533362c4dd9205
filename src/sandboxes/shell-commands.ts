import { randomUUID } from 'node:crypto';
import type { Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { UserError } from '../base/errors.ts';
import { formatBytes } from '../base/text.ts';
import { inTime, QUIET_MS } from '../modal/exec.ts';
import { DEFAULT_LOCALE } from '../modal/locale.ts';
import { watched } from '../modal/watchdog.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { strings } from './strings.ts';

/** The maximum length of the kept end of a command's output. */
const MAX_OUTPUT_CHARS = 300;
/** A command that prints more is stopped; it probably repeats itself. */
const MAX_TOTAL_CHARS = 32_000_000;

export interface CommandOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  /** Receives output as it arrives. */
  readonly onLog?: ((text: string) => void) | undefined;
}

/**
 * Runs a profile's shell command in the sandbox's synced folder. It's stopped soon after this window is lost. Resolves
 * with the last part of its output. Throws `UserError` if the shell doesn't answer or the output is too long, the SDK's
 * errors, and the signal's reason.
 */
export async function runCommand(
  sandbox: Sandbox,
  command: string,
  { signal, timeoutMs, onLog }: CommandOptions = {},
): Promise<{ exitCode: number; output: string }> {
  const result = (async () => {
    const watch = watched(randomUUID());
    // A subshell, so that the command can't skip the cleanup, and a snapshot has no trace of it.
    const inFolder = `(cd ${REMOTE_ROOT} 2>/dev/null; { ${command}\n} 2>&1)`;
    // The first line shows that the sandbox has a shell that works; the command may then be quiet.
    const script = `echo; ${watch.preamble}\n${DEFAULT_LOCALE}\n${inFolder}\nmodal_code=$?; ${watch.cleanup}; exit $modal_code`;
    const process = await sandbox.exec(['sh', '-c', script], { stderr: 'ignore', ...(timeoutMs && { timeoutMs }) });
    using _ = watch.keepAlive(sandbox);
    let output = '';
    let chars = 0;
    const texts = process.stdout.values();
    for (let next = await inTime(texts.next(), QUIET_MS); !next.done; next = await texts.next()) {
      const text = chars === 0 ? next.value.replace(/^\n/, '') : next.value;
      chars += next.value.length;
      if (chars > MAX_TOTAL_CHARS) {
        void texts.return?.(undefined);
        throw new UserError(strings.tooMuchOutput(command, formatBytes(MAX_TOTAL_CHARS)), { actions: ['showProfile'] });
      }
      if (text !== '') onLog?.(text);
      output = (output + text).slice(-MAX_OUTPUT_CHARS);
    }
    return { exitCode: await inTime(process.wait(), QUIET_MS), output: output.trim() };
  })();
  return untilAborted(result, signal);
}

/** A command's role in its profile, which determines the error message if it fails. */
export type CommandKind = 'setup command' | 'health check';

/**
 * Runs a command as `runCommand` does. Throws `UserError` if it exits with another code than 0; `key` is the property of the
 * profile that holds the command.
 */
export async function runOrThrow(
  sandbox: Sandbox,
  command: string,
  { kind, key, ...options }: CommandOptions & { readonly kind: CommandKind; readonly key: string },
): Promise<void> {
  const { exitCode, output } = await runCommand(sandbox, command, options);
  if (exitCode === 0) return;
  const failure = kind === 'setup command' ? strings.setupCommandFailed : strings.healthCheckFailed;
  throw new UserError(failure(command, exitCode, output, key), { actions: ['showProfile', 'retry'] });
}
