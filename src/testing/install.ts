import type { Sandbox } from 'modal';
import { installPythonPackages } from '../run/python-packages.ts';
import { PYTEST_FOLDER } from './pytest.ts';
import { strings } from './strings.ts';

/** Installs pytest or coverage for an interpreter of a sandbox. Throws `UserError` with the end of the output if that fails. */
export function installTestPackage(
  sandbox: Sandbox,
  name: 'pytest' | 'coverage',
  python: string,
  signal?: AbortSignal,
): Promise<void> {
  const packages = { python, names: [name], folder: PYTEST_FOLDER, failed: strings.installFailed };
  return installPythonPackages(sandbox, packages, signal);
}
