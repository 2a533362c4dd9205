import type { Sandbox } from 'modal';
import { UserError } from '../base/errors.ts';
import { INSTALL_SSH_SERVER } from '../images/packages.ts';
import { runCommand } from '../sandboxes/shell-commands.ts';
import { EXIT_NO_SERVER, FIND_SERVER } from './server-script.ts';
import { strings } from './strings.ts';

const FIND_TIMEOUT_MS = 20_000;
const INSTALL_TIMEOUT_MS = 300_000;

/** Returns the user that a sandbox's commands run as; undefined if it has no SSH server. Throws the SDK's errors. */
export async function sandboxUser(sandbox: Sandbox, signal?: AbortSignal): Promise<string | undefined> {
  const { exitCode, output } = await runCommand(sandbox, `${FIND_SERVER}\nid -un`, {
    signal,
    timeoutMs: FIND_TIMEOUT_MS,
  });
  if (exitCode === EXIT_NO_SERVER) return undefined;
  if (exitCode !== 0 || output === '') throw new UserError(strings.noUser(output || strings.noReason()));
  return output;
}

/** Installs an SSH server in a running sandbox. Throws `UserError` with the end of the output if that fails. */
export async function installServer(sandbox: Sandbox, signal?: AbortSignal): Promise<void> {
  const { exitCode, output } = await runCommand(sandbox, INSTALL_SSH_SERVER, { signal, timeoutMs: INSTALL_TIMEOUT_MS });
  const reason = output.trim().split('\n').at(-1) || strings.noReason();
  if (exitCode !== 0) throw new UserError(strings.installFailed(reason));
}
