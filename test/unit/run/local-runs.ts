import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Account } from '../../../src/modal/accounts.ts';
import type { RunServices } from '../../../src/run/run.ts';
import { FolderSyncs } from '../../../src/session/folder-syncs.ts';
import { Sessions } from '../../../src/session/sessions.ts';
import type { RunningLocalModal } from '../../helpers/local-modal.ts';
import { sessionSources } from '../../helpers/sessions.ts';

/** The account of a running local Modal. */
export function accountOf({ url }: RunningLocalModal): Account {
  return { label: 'Local Modal', isLocal: true, serverUrl: url, tokenId: 'ak-test', tokenSecret: 'as-test' };
}

/** A folder of a test, with what runs of it work with. */
export interface LocalFolder {
  readonly path: string;
  readonly services: RunServices;
  dispose(): Promise<void>;
}

/** An empty folder, whose runs go to a local Modal. */
export async function localFolder(server: RunningLocalModal, profile?: object): Promise<LocalFolder> {
  const path = await mkdtemp(join(tmpdir(), 'run-test-'));
  const storage = await mkdtemp(join(tmpdir(), 'run-test-storage-'));
  const syncs = new FolderSyncs({ storageDir: () => storage, rules: () => ({}), isLocal: () => true });
  const sessions = new Sessions(sessionSources(() => accountOf(server), profile));
  return {
    path,
    services: { sessions, syncs, ask: () => true },
    async dispose() {
      await Promise.all([sessions.dispose(), syncs.dispose()]);
      await Promise.all([path, storage].map((folder) => rm(folder, { recursive: true })));
    },
  };
}
