import type { Account } from '../../src/modal/accounts.ts';
import { ProfileSchema } from '../../src/profiles/schema.ts';
import type { SessionSources } from '../../src/sandboxes/session.ts';
import type { RunningLocalModal } from './local-modal.ts';

/** The account of a running local Modal, whose sandboxes cost nothing. */
export function accountOf({ url }: Pick<RunningLocalModal, 'url'>): Account {
  return { label: 'Local Modal', isLocal: true, serverUrl: url, tokenId: 'ak-test', tokenSecret: 'as-test' };
}

/** What sessions of a test work with: one account, and one profile of every name. */
export function sessionSources(
  account: () => Account,
  profile: object = { image: 'python:3.13-slim', hostVolume: false },
): SessionSources {
  return {
    account: async () => account(),
    app: () => 'tests',
    profile: async (_, name = 'default') => ({ name, profile: ProfileSchema.parse(profile) }),
  };
}
