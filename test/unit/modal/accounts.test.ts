import assert from 'node:assert/strict';
import {
  type AccountSources,
  environmentAccount,
  parseConfigProfiles,
  resolveAccount,
  tokenProblem,
} from '../../../src/modal/accounts.ts';

const CONFIG = `
[main]
token_id = "ak-1"
token_secret = "as-1"
active = true

[staging]
token_id = "ak-2"
token_secret = "as-2"
server_url = "https://staging.example"
environment = "dev"

[empty]
`;

function sources(overrides: Partial<AccountSources> = {}): AccountSources {
  return {
    env: {},
    readConfigFile: async () => CONFIG,
    readStoredToken: async () => undefined,
    startLocalModal: async () => ({ label: 'Local Modal', tokenId: 'ak-l', tokenSecret: 'as-l' }),
    ...overrides,
  };
}

describe('accounts', () => {
  it('reads every profile of Modal’s config file, with the active one marked', () => {
    assert.deepEqual(
      parseConfigProfiles(CONFIG).map(({ name, active, account }) => [name, active, account !== undefined]),
      [
        ['main', true, true],
        ['staging', false, true],
        ['empty', false, false],
      ],
    );
  });

  it('takes the server and the environment from the chosen profile', async () => {
    const account = await resolveAccount('profile:staging', sources());
    assert.equal(account.tokenId, 'ak-2');
    assert.equal(account.serverUrl, 'https://staging.example');
    assert.equal(account.environment, 'dev');
  });

  it('says which profile is missing, and which one lacks a token', async () => {
    await assert.rejects(resolveAccount('profile:nope', sources()), /no profile “nope”/);
    await assert.rejects(resolveAccount('profile:empty', sources()), /“empty” has no token_id/);
  });

  it('says that the config file is not TOML', () => {
    assert.throws(() => parseConfigProfiles('[main'), /config file cannot be read/);
  });

  it('has no account before one is chosen, and reads nothing then', async () => {
    const untouched = sources({ readConfigFile: () => Promise.reject(new Error('was read')) });
    await assert.rejects(resolveAccount('', untouched), /No Modal account is chosen/);
  });

  it('takes both variables of the environment or neither', async () => {
    assert.equal(environmentAccount({ MODAL_TOKEN_ID: 'ak-1' }), undefined);
    assert.equal(environmentAccount({ MODAL_TOKEN_ID: 'ak-1', MODAL_TOKEN_SECRET: 'as-1' })?.tokenId, 'ak-1');
    await assert.rejects(resolveAccount('environment', sources()), /not both set/);
  });

  it('uses the stored token, and says so when there is none', async () => {
    const stored = sources({ readStoredToken: async () => ({ tokenId: 'ak-s', tokenSecret: 'as-s' }) });
    assert.equal((await resolveAccount('token', stored)).tokenSecret, 'as-s');
    await assert.rejects(resolveAccount('token', sources()), /No Modal token is stored/);
  });

  it('refuses a token pair with the wrong prefix or with spaces', () => {
    assert.match(tokenProblem('id', 'as-12345678') ?? '', /starts with “ak-”/);
    assert.match(tokenProblem('secret', 'as-12 345678') ?? '', /no spaces/);
    assert.equal(tokenProblem('secret', 'as-12345678'), undefined);
  });
});
