import type { Command, ExecuteOptions, ExecuteResult, SandboxesApi } from '../../api/api.ts';
import { execute } from '../../api/execute.ts';
import { sandboxProvider } from '../../api/sandbox-provider.ts';
import { UserError } from '../../base/errors.ts';
import { type RunRequest, runRequest } from '../../run/request.ts';
import { runnerOf } from '../../run/runners.ts';
import type { RunServices } from '../../run/services.ts';
import { diskFolders, requireTrust, syncedFolder } from '../common/folders.ts';
import type { RunTerminals } from '../run/run-terminals.ts';

/** What one argument may hold; a command line is limited to 65,536 characters in all. */
const MAX_CODE_CHARS = 60_000;

/** Builds what other extensions get. */
export function createApi(terminals: RunTerminals, services: RunServices): SandboxesApi {
  return {
    version: 1,
    onDidWriteOutput: terminals.onDidWriteOutput,
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
  const workspaceFolder = diskFolders()[0];
  if (!workspaceFolder) throw new UserError('No folder is open. Open one (“File: Open Folder…”), then try again.');
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
    if (code.length > MAX_CODE_CHARS) {
      throw new UserError(
        `The code has more than ${MAX_CODE_CHARS} characters. Write it to a file of the folder, and run that.`,
      );
    }
    const python = runnerOf({ name: 'code.py', languageId: 'python', firstLine: '', isUvProject: false }) ?? [];
    return { label: 'code', programs: python, args: ['-c', code] };
  }
  const [program, ...args] = code;
  if (!program) throw new UserError('The command is empty. Name a program.');
  return { label: program, programs: [{ argv: [program] }], args };
}
