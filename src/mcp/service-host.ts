import { join } from 'node:path';
import { isInFolder } from '../base/inside-folder.ts';
import { possibleSecrets } from '../profiles/variables.ts';
import { Redaction, secretValues } from '../run/records/redaction.ts';
import { createService, type Service } from '../service/service.ts';
import { stateFolders } from '../service/state-folders.ts';
import { AgentError } from './errors.ts';
import type { AgentHost } from './host.ts';
import { editorSettingsFolder } from './launcher.ts';
import type { AgentPermissions } from './permissions.ts';
import { strings } from './strings.ts';

export interface HostOptions {
  readonly folder: string;
  /** The folder with what the editor's windows remember. Defaults to the standard folders of this user. */
  readonly state?: string | undefined;
  /** A value of `modal.account`. */
  readonly account?: string | undefined;
  /** The profile's name. */
  readonly profile?: string | undefined;
}

/** An agent's host that has a service of its own. */
export interface ServiceHost extends AgentHost {
  /** Asks the user what the service asks. Until it's set, the answer is no. */
  permissions: AgentPermissions | undefined;
  dispose(): Promise<void>;
}

/** Creates the services for a folder. Makes no call. Throws `UserError` and `AccountError`. */
export async function openHost({ folder, state, account, profile }: HostOptions): Promise<ServiceHost> {
  const service: Service = await createService({
    folder,
    profile,
    account,
    folders: state === undefined ? stateFolders() : { state, config: editorSettingsFolder(state) },
    // More than the user's own limit is never for an agent to spend.
    answers: { budget: false },
    ask: async ({ message, detail }) => {
      await host.permissions?.require('profile', [message, detail].filter(Boolean).join('\n'));
      return host.permissions !== undefined;
    },
  });
  const { parts } = service;
  const host: ServiceHost = {
    folder: service.folder,
    services: parts,
    snapshots: parts.snapshots,
    savePoints: parts.savePoints,
    permissions: undefined,
    async fileRequest(path, args) {
      const file = join(service.folder.path, path);
      // A copy of another file would leave this computer without a question.
      if (!isInFolder(service.folder.path, file)) throw new AgentError('denied', strings.fileOutside(path));
      return service.fileRequest(file, args);
    },
    async redaction(name) {
      const named = await parts.profile(service.folder, name);
      const { fromFile, others } = await possibleSecrets(named.profile, parts.root.path, process.env);
      return new Redaction([...Object.values(fromFile), ...secretValues(others)]);
    },
    dispose: () => service.dispose(),
  };
  return host;
}
