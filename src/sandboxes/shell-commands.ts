import type { Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { UserError } from '../base/errors.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { strings } from './strings.ts';

/** The maximum length of the kept end of a command's output. */
const MAX_OUTPUT_CHARS = 300;

export interface CommandOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  /** Receives output as it arrives. */
  readonly onLog?: ((text: string) => void) | undefined;
}

/**
 * Runs a profile's shell command in the sandbox's synced folder. Resolves with the last part of its output. Throws the SDK's
 * errors and the signal's reason.
 */
export async function runCommand(
  sandbox: Sandbox,
  command: string,
  { signal, timeoutMs, onLog }: CommandOptions = {},
): Promise<{ exitCode: number; output: string }> {
  const result = (async () => {
    const script = `cd ${REMOTE_ROOT} 2>/dev/null; { ${command}\n} 2>&1`;
    const process = await sandbox.exec(['sh', '-c', script], { stderr: 'ignore', ...(timeoutMs && { timeoutMs }) });
    let output = '';
    for await (const text of process.stdout) {
      onLog?.(text);
      output = (output + text).slice(-MAX_OUTPUT_CHARS);
    }
    return { exitCode: await process.wait(), output: output.trim() };
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
  throw new UserError(failure(command, exitCode, output, key));
}
