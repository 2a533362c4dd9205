import type { ModalClient } from 'modal';
import { type RunningLocalModal, startLocalModal, useProfileOf } from '../helpers/local-modal.ts';

/** What the account `profile:main` leads to. */
export interface LocalAccount {
  server: RunningLocalModal;
  modal: ModalClient;
}

/** Settings of a window that uses it. The built-in image would be built as on Modal itself, which takes a registry. */
export const accountSettings = {
  'modal.account': 'profile:main',
  'modal.profiles': { default: { image: 'python:3.13-slim' } },
};

/** Hooks for a suite with a local Modal of its own as its account, which is there from `before` on. */
export function localAccount(): LocalAccount {
  const account = {} as LocalAccount;
  let leave: () => void;
  before(async () => {
    account.server = await startLocalModal();
    account.modal = account.server.client();
    leave = useProfileOf(account.server);
  });
  after(async () => {
    leave();
    await account.server.stop();
  });
  return account;
}
