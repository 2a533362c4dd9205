import assert from 'node:assert/strict';
import {
  AccountError,
  type AccountSources,
  accountIdOf,
  environmentAccount,
  parseConfigProfiles,
  profilesInUse,
  resolveAccount,
  tokenProblem,
} from '../../../src/modal/accounts.ts';
import { newClient } from '../../../src/modal/client.ts';
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
    readStoredToken: async (name) => {
      throw new AccountError(strings.noStoredToken(name));
    },
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
    await assert.rejects(resolveAccount('profile:nope', sources()), {
      message: strings.noConfigProfile('nope', ['main', 'staging', 'empty']),
    });
    await assert.rejects(resolveAccount('profile:empty', sources()), {
      message: strings.incompleteConfigProfile('empty'),
    });
  });

  it("reports a config file that isn't TOML", () => {
    assert.throws(() => parseConfigProfiles('[main'), /^AccountError: Couldn't read the Modal config file: /);
  });

  for (const [variable, text, active, problem] of [
    [undefined, CONFIG, ['main']],
    ['', CONFIG, ['main']],
    ['staging', CONFIG, ['staging']],
    ['empty', CONFIG, ['empty']],
    ['Staging', CONFIG, [], strings.noProfileOfVariable('Staging', ['main', 'staging', 'empty'])],
    ['main ', CONFIG, [], strings.noProfileOfVariable('main ', ['main', 'staging', 'empty'])],
    ['token_id', 'token_id = "ak-1"', [], strings.noProfileOfVariable('token_id', [])],
    ['gone', '', [], strings.noProfileOfVariable('gone', [])],
  ] as const) {
    it(`marks ${active[0] ?? 'no profile'} as active if MODAL_PROFILE is ${variable} in ${text === CONFIG ? 'a' : 'an empty'} file`, () => {
      const found = profilesInUse(parseConfigProfiles(text), { MODAL_PROFILE: variable });
      const marked = found.profiles.filter(({ active }) => active).map(({ name }) => name);
      assert.deepEqual([marked, found.problem], [active, problem]);
    });
  }

  it('reads nothing before an account is selected', async () => {
    const untouched = sources({ readConfigFile: () => Promise.reject(new Error('was read')) });
    await assert.rejects(resolveAccount('', untouched), { message: strings.noAccount() });
  });

  it('requires both environment variables', async () => {
    assert.equal(environmentAccount({ MODAL_TOKEN_ID: 'ak-1' }), undefined);
    assert.equal(environmentAccount({ MODAL_TOKEN_ID: 'ak-1', MODAL_TOKEN_SECRET: 'as-1' })?.tokenId, 'ak-1');
    await assert.rejects(resolveAccount('environment', sources()), { message: strings.incompleteEnvironment() });
  });

  it('uses the stored token of the name, with its server, and reports if there is none', async () => {
    const token = { tokenId: 'ak-s', tokenSecret: 'as-s', workspace: 'acme', serverUrl: 'https://s.example' };
    const stored = sources({ readStoredToken: async (name) => ({ ...token, tokenSecret: `as-${name}` }) });
    const account = await resolveAccount('token:you@acme', stored);
    assert.deepEqual([account.tokenSecret, account.serverUrl], ['as-you@acme', 'https://s.example']);
    await assert.rejects(resolveAccount('token:you@acme', sources()), { message: strings.noStoredToken('you@acme') });
  });

  it('is the same account after its user has signed in again, but not for other users, workspaces, and servers', async () => {
    const idOf = async (token: object) => {
      const base = { tokenId: 'ak-1', tokenSecret: 'as-1', workspace: 'acme', user: 'you' };
      const readStoredToken = async () => ({ ...base, ...token });
      return accountIdOf(await resolveAccount('token:a', sources({ readStoredToken })));
    };
    assert.equal(await idOf({}), await idOf({ tokenId: 'ak-2' }));
    const unknown = { user: undefined };
    const all = [
      {},
      { user: 'me' },
      { workspace: 'b' },
      { serverUrl: 'https://b' },
      unknown,
      { ...unknown, tokenId: 'ak-2' },
    ];
    assert.equal(new Set(await Promise.all(all.map(idOf))).size, all.length);
  });

  it('finds OAuth credentials with a secret or a key in profiles and variables, unless there is a token or a part is missing', async () => {
    const profiles = parseConfigProfiles(`
[secret]
oauth_refresh_token = "or-1"
oauth_client_id = "oc-1"
oauth_client_secret = "ov-1"
[key]
oauth_refresh_token = "or-2"
oauth_client_id = "oc-1"
oauth_jwt_key = "PEM"
[both]
token_id = "ak-1"
token_secret = "as-1"
oauth_refresh_token = "or-1"
oauth_client_id = "oc-1"
oauth_client_secret = "ov-1"
[part]
oauth_refresh_token = "or-1"
oauth_client_id = "oc-1"
`);
    const accounts = profiles.map(({ account }) => account);
    assert.deepEqual(
      accounts.map((account) => account?.oauth),
      [
        { refreshToken: 'or-1', clientId: 'oc-1', clientSecret: 'ov-1' },
        { refreshToken: 'or-2', clientId: 'oc-1', jwtKey: 'PEM' },
        undefined,
        undefined,
      ],
    );
    assert.equal(accounts[2]?.tokenId, 'ak-1');
    assert.equal(accounts[3], undefined);
    assert.equal(new Set(accounts.slice(0, 3).map((account) => account && accountIdOf(account))).size, 3);
    const env = {
      MODAL_OAUTH_REFRESH_TOKEN: 'or-1',
      MODAL_OAUTH_CLIENT_ID: 'oc-1',
      MODAL_OAUTH_CLIENT_SECRET: 'ov-1',
    };
    const client = await newClient(await resolveAccount('environment', sources({ env })));
    assert.deepEqual([client.profile.oauthRefreshToken, client.profile.tokenId], ['or-1', undefined]);
    client.close();
  });

  it('rejects tokens with the wrong prefix or with spaces', () => {
    assert.equal(tokenProblem('id', 'as-12345678'), strings.invalidTokenId('ak-'));
    assert.equal(tokenProblem('secret', 'as-12 345678'), strings.invalidTokenSecret('as-'));
    assert.equal(tokenProblem('secret', 'as-12345678'), undefined);
  });
});
