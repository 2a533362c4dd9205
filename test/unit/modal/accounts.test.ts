import assert from 'node:assert/strict';
import {
  type AccountSources,
  environmentAccount,
  parseConfigProfiles,
  resolveAccount,
  tokenProblem,
} from '../../../src/modal/accounts.ts';
import { strings } from '../../../src/modal/strings.ts';

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

describe('resolveAccount', () => {
  it('finds every profile of the config file and which one is active', () => {
    assert.deepEqual(
      parseConfigProfiles(CONFIG).map(({ name, active, account }) => [name, active, account !== undefined]),
      [
        ['main', true, true],
        ['staging', false, true],
        ['empty', false, false],
      ],
    );
  });

  it('reports a profile with a value of the wrong type, and takes any value of active but false and an empty one', async () => {
    const text = `
version = 2
[text]
token_id = "ak-1"
token_secret = "as-1"
active = "true"
[number]
token_id = "ak-1"
token_secret = "as-1"
environment = 5
active = 1
[list]
token_id = ["ak-1"]
[off]
token_id = "ak-1"
token_secret = "as-1"
active = false
[empty]
token_id = "ak-1"
token_secret = "as-1"
active = ""
`;
    assert.deepEqual(
      parseConfigProfiles(text).map(({ name, active, account, wrongKey }) => [
        name,
        active,
        account !== undefined,
        wrongKey,
      ]),
      [
        ['text', true, true, undefined],
        ['number', true, false, 'environment'],
        ['list', false, false, 'token_id'],
        ['off', false, true, undefined],
        ['empty', false, true, undefined],
      ],
    );
    await assert.rejects(resolveAccount('profile:number', sources({ readConfigFile: async () => text })), {
      message: strings.wrongConfigValue('number', 'environment'),
    });
  });

  it('uses the server and environment of the selected profile', async () => {
    const account = await resolveAccount('profile:staging', sources());
    assert.equal(account.tokenId, 'ak-2');
    assert.equal(account.serverUrl, 'https://staging.example');
    assert.equal(account.environment, 'dev');
  });

  it('names a profile that is missing or has no token', async () => {
    await assert.rejects(resolveAccount('profile:nope', sources()), { message: strings.noConfigProfile('nope') });
    await assert.rejects(resolveAccount('profile:empty', sources()), {
      message: strings.incompleteConfigProfile('empty'),
    });
  });

  it("reports a config file that isn't TOML", () => {
    assert.throws(() => parseConfigProfiles('[main'), /^AccountError: Couldn't read the Modal config file: /);
  });

  it('reads nothing before an account is selected', async () => {
    const untouched = sources({ readConfigFile: () => Promise.reject(new Error('was read')) });
    await assert.rejects(resolveAccount('', untouched), { message: strings.noAccount() });
  });

  it('requires both environment variables', async () => {
    assert.equal(environmentAccount({ MODAL_TOKEN_ID: 'ak-1' }), undefined);
    assert.equal(environmentAccount({ MODAL_TOKEN_ID: 'ak-1', MODAL_TOKEN_SECRET: 'as-1' })?.tokenId, 'ak-1');
    await assert.rejects(resolveAccount('environment', sources()), { message: strings.incompleteEnvironment() });
  });

  it('uses the stored token, and reports if there is none', async () => {
    const stored = sources({ readStoredToken: async () => ({ tokenId: 'ak-s', tokenSecret: 'as-s' }) });
    assert.equal((await resolveAccount('token', stored)).tokenSecret, 'as-s');
    await assert.rejects(resolveAccount('token', sources()), { message: strings.noStoredToken() });
  });

  it('rejects tokens with the wrong prefix or with spaces', () => {
    assert.equal(tokenProblem('id', 'as-12345678'), strings.invalidTokenId('ak-'));
    assert.equal(tokenProblem('secret', 'as-12 345678'), strings.invalidTokenSecret('as-'));
    assert.equal(tokenProblem('secret', 'as-12345678'), undefined);
  });
});
