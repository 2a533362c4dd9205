import type { Account } from '../../src/modal/accounts.ts';
import { ProfileSchema } from '../../src/profiles/schema.ts';
import type { StartGate } from '../../src/sandboxes/permissions/permissions.ts';
import { SandboxStarter } from '../../src/sandboxes/sandbox-starter.ts';
import { type SessionDependencies, Sessions } from '../../src/sandboxes/sessions.ts';
import type { StarterDependencies } from '../../src/sandboxes/starts.ts';
import type { RunningLocalModal } from './local-modal.ts';

/** Returns the account of a running Local Modal, whose sandboxes cost nothing. */
export function accountOf({ url }: Pick<RunningLocalModal, 'url'>): Account {
  return { label: 'Local Modal', isLocal: true, serverUrl: url, tokenId: 'ak-test', tokenSecret: 'as-test' };
}

/** Lets everything through, for tests of something else. */
const OPEN_GATE: StartGate = {
  require: async ({ named }, { files }) => ({ named, credentials: new Set((await files()).map(({ path }) => path)) }),
};

/** Creates a starter of sandboxes in one account. */
export function starterOf(
  account: () => Account | Promise<Account>,
  dependencies: Partial<Omit<StarterDependencies, 'account' | 'app'>> = {},
): SandboxStarter {
  return new SandboxStarter({ account: async () => account(), app: () => 'tests', gate: OPEN_GATE, ...dependencies });
}

/** Creates sessions that start sandboxes with this starter. Every profile name refers to the same profile. */
export function sessionsOf(
  starter: SandboxStarter,
  profile: object = { image: 'python:3.13-slim', hostVolume: false },
  dependencies: Pick<SessionDependencies, 'handover' | 'warm' | 'budget'> = {},
): Sessions {
  return new Sessions({
    starter,
    profile: async (_, name = 'default') => ({ name, profile: ProfileSchema.parse(profile), origin: 'user' }),
    ...dependencies,
  });
}
