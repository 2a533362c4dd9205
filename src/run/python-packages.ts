import type { Sandbox } from 'modal';
import { UserError } from '../base/errors.ts';
import { quote } from '../base/shell.ts';
import { runCommand } from '../sandboxes/shell-commands.ts';

const INSTALL_TIMEOUT_MS = 300_000;

export interface PythonPackages {
  /** The interpreter that needs them. */
  readonly python: string;
  readonly names: readonly string[];
  /** A folder of their own, so that the program's packages stay as they are. */
  readonly folder: string;
  /** Returns the message of an installation that failed, given the end of its output. */
  failed(reason: string): string;
}

/** Installs Python packages in a sandbox. Throws `UserError` if that fails. */
export async function installPythonPackages(
  sandbox: Sandbox,
  { python, names, folder, failed }: PythonPackages,
  signal?: AbortSignal,
): Promise<void> {
  const [interpreter, target] = [quote(python), quote(folder)];
  const packages = names.map(quote).join(' ');
  // Environments of uv have no pip.
  const command = `if ${interpreter} -m pip --version >/dev/null 2>&1
then ${interpreter} -m pip install --disable-pip-version-check --quiet --target ${target} ${packages}
else uv pip install --quiet --python ${interpreter} --target ${target} ${packages}
fi`;
  const { exitCode, output } = await runCommand(sandbox, command, { signal, timeoutMs: INSTALL_TIMEOUT_MS });
  if (exitCode !== 0) throw new UserError(failed(output.trim().split('\n').at(-1) ?? ''));
}
