import type { ModalClient } from 'modal';
import { type RunningLocalModal, startLocalModal, useProfileOf } from '../helpers/local-modal.ts';

/** The server of the account `profile:main`. */
export interface LocalAccount {
  server: RunningLocalModal;
  modal: ModalClient;
}

/**
 * The settings of a window that uses the account. The profile avoids the built-in image, whose packages would be
 * downloaded.
 */
export const accountSettings = {
  'modal.account': 'profile:main',
  'modal.profiles': { default: { image: 'python:3.13-slim' } },
};

/** Adds hooks that give a suite its own Local Modal as the account. */
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
