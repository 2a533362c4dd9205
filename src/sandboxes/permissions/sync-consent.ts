import { relative, sep } from 'node:path';
import { formatBytes } from '../../base/text.ts';
import type { SyncConsent } from '../../sync/push/consent.ts';
import type { Folder } from '../folder.ts';
import type { Asked, Permissions } from './permissions.ts';
import type { AnswerScope } from './store.ts';
import { strings } from './strings.ts';

/** The account that a folder is sent to. */
export interface Recipient {
  readonly accountId: string;
  readonly isLocal: boolean;
}

/** Keeps the answers about sending a folder next to those about its profiles. `root` is the workspace folder. */
export function syncConsent(
  permissions: Permissions,
  root: string,
  { path }: Folder,
  { accountId, isLocal }: Recipient,
): SyncConsent {
  const scope: AnswerScope = { root, accountId };
  // An approval of a subfolder isn't one of the folder around it.
  const subfolder = relative(root, path).split(sep).join('/');
  const folderKey = JSON.stringify(['sync', subfolder]);
  const credentialKey = (file: string) => JSON.stringify(['sync-credential', subfolder, file]);
  return {
    isLocal,
    approvedBytes: async () => {
      const answer = (await permissions.answers(scope)).get(folderKey);
      return answer?.allowed ? (answer.bytes ?? 0) : undefined;
    },
    approve: (bytes) => permissions.answer(scope, [{ key: folderKey, text: textOf(subfolder, bytes), bytes }], true),
    credentials: async () => {
      const prefix = credentialKey('').slice(0, -'""]'.length);
      const answers = [...(await permissions.answers(scope)).values()].filter(({ key }) => key.startsWith(prefix));
      return new Map(answers.map(({ key, allowed }) => [(JSON.parse(key) as string[])[2] ?? '', allowed]));
    },
    answerCredentials: (paths, isAllowed) => {
      const asked: Asked[] = paths.map((file) => ({
        key: credentialKey(file),
        text: strings.syncCredential(subfolder === '' ? file : `${subfolder}/${file}`),
      }));
      return permissions.answer(scope, asked, isAllowed);
    },
  };
}

function textOf(subfolder: string, bytes: number): string {
  const size = formatBytes(bytes);
  return subfolder === '' ? strings.syncFolder(size) : strings.syncSubfolder(subfolder, size);
}
