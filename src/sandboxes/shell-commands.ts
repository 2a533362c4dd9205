import type { Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { UserError } from '../base/errors.ts';
import { REMOTE_ROOT } from '../sync/options.ts';

/** How much of the end of a command's output is kept. */
const OUTPUT_CHARS = 300;

export interface CommandOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  /** Output as it comes. */
  readonly onLog?: ((text: string) => void) | undefined;
}

/**
 * Runs a shell command of a profile where the folder is synced to. Resolves with the end of what it printed. Throws the
 * SDK's errors and the signal's reason.
 */
export async function runCommand(
  sandbox: Sandbox,
  command: string,
  { signal, timeoutMs, onLog }: CommandOptions = {},
): Promise<{ exitCode: number; output: string }> {
  const ended = (async () => {
    const script = `cd ${REMOTE_ROOT} 2>/dev/null; { ${command}\n} 2>&1`;
    const process = await sandbox.exec(['sh', '-c', script], { stderr: 'ignore', ...(timeoutMs && { timeoutMs }) });
    let output = '';
    for await (const text of process.stdout) {
      onLog?.(text);
      output = (output + text).slice(-OUTPUT_CHARS);
    }
    return { exitCode: await process.wait(), output: output.trim() };
  })();
  return untilAborted(ended, signal);
}

/**
 * As `runCommand`, for a command that has to succeed. Throws `UserError` when it does not, with what it is to its profile
 * (`setup command`) and the key that it is mended in.
 */
export async function mustRun(
  sandbox: Sandbox,
  command: string,
  { what, key, ...options }: CommandOptions & { what: string; key: string },
): Promise<void> {
  const { exitCode, output } = await runCommand(sandbox, command, options);
  if (exitCode === 0) return;
  const said = output === '' ? '' : `: ${output}`;
  throw new UserError(
    `The ${what} “${command}” ended with code ${exitCode}${said}. Mend it in the profile’s \`${key}\`, then try again.`,
  );
}
