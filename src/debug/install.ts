import type { Sandbox } from 'modal';
import { installPythonPackages } from '../run/python-packages.ts';
import { DEBUGPY_FOLDER } from './python.ts';
import { strings } from './strings.ts';

/** Installs debugpy for an interpreter of a sandbox. Throws `UserError` with the end of the output if that fails. */
export function installDebugpy(sandbox: Sandbox, python: string, signal?: AbortSignal): Promise<void> {
  const packages = { python, names: ['debugpy'], folder: DEBUGPY_FOLDER, failed: strings.installFailed };
  return installPythonPackages(sandbox, packages, signal);
}
