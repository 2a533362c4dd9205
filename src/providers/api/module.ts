import type { Command, ExecuteOptions, ExecuteResult, SandboxesApi } from '../../api/api.ts';
import { execute } from '../../api/execute.ts';
import { type ApiServices, sandboxProvider } from '../../api/sandbox-provider.ts';
import { strings } from '../../api/strings.ts';
import { UserError } from '../../base/errors.ts';
import { NO_PROJECTS } from '../../run/projects.ts';
import { type RunRequest, runRequest } from '../../run/request.ts';
import { pythonPrograms } from '../../run/runners.ts';
import type { RunServices } from '../../run/services.ts';
import { diskFolders, requireFolder, requireTrust, syncedFolder } from '../common/folders.ts';

/** The maximum length of code in one argument. Modal limits a whole command line to 65,536 characters. */
const MAX_CODE_CHARS = 60_000;

export interface ApiModuleDependencies {
  readonly services: ApiServices;
  /** Fires with all text that runs show in their terminals. */
  readonly onDidWriteOutput: SandboxesApi['onDidWriteOutput'];
}

/** The API that other extensions get from `activate()`. */
export function apiModule({ services, onDidWriteOutput }: ApiModuleDependencies): SandboxesApi {
  return {
    version: 1,
    onDidWriteOutput,
    execute: (code, options) => executeInFolder(code, services, options),
    sandboxes: sandboxProvider(services, requireTrust, () => {
      const first = diskFolders()[0];
      return first && syncedFolder(first);
    }),
  };
}

async function executeInFolder(
  code: Command,
  services: RunServices,
  options: ExecuteOptions = {},
): Promise<ExecuteResult> {
  requireTrust();
  const workspaceFolder = requireFolder(diskFolders()[0]);
  const request = runRequest({
    ...commandOf(code),
    folder: syncedFolder(workspaceFolder),
    profile: options.profile,
    cwd: options.cwd ?? '',
    env: options.env ?? {},
  });
  return execute(request, services, options);
}

function commandOf(code: Command): Pick<RunRequest, 'label' | 'programs' | 'args'> {
  if (typeof code === 'string') {
    if (code.length > MAX_CODE_CHARS) throw new UserError(strings.codeTooLong(MAX_CODE_CHARS));
    return { label: 'code', programs: pythonPrograms(NO_PROJECTS), args: ['-c', code] };
  }
  const [program, ...args] = code;
  if (!program) throw new UserError(strings.commandEmpty());
  return { label: program, programs: [{ argv: [program] }], args };
}
