import assert from 'node:assert/strict';
import { Prices } from '../../../src/modal/prices.ts';
import type { ProfileOrigin } from '../../../src/profiles/profiles.ts';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { fileEffects, profileEffects } from '../../../src/sandboxes/permissions/effects.ts';

/** The most demanding profile that a stranger could write. */
export const DEMANDING = {
  gpu: ['L4', 'H100:8'],
  image: { registry: 'ghcr.io/them/image', registrySecret: { name: 'login' }, buildSecrets: ['PLANTED'] },
  warm: { sandboxes: 10, when: 'always', refresh: 1, rebuild: true },
  envFile: '.env',
  secrets: ['production'],
  volumes: { '/mnt/a': 'data', '/mnt/b': { name: 'models', subPath: '/x', readOnly: true } },
};

describe('profileEffects', () => {
  const effects = (
    profile: object,
    { origin = 'folder' as ProfileOrigin, isLocal = false, dockerfile = undefined as string | undefined } = {},
  ) =>
    profileEffects(
      { name: 'p', profile: ProfileSchema.parse(profile), origin },
      { prices: new Prices(), isLocal, dockerfile },
    );
  const texts = (...args: Parameters<typeof effects>) => effects(...args).map(({ text }) => text);
  const keys = (...args: Parameters<typeof effects>) => effects(...args).map(({ key }) => key);

  it('names everything that a profile causes, with the highest price of its GPU types', () => {
    const [warm = '', ...others] = texts(DEMANDING);
    assert.match(
      warm,
      /^Keep 10 sandboxes running while VS Code is open \(L4 or H100:8, about \$316\.\d\d per hour in total\)$/,
    );
    assert.deepEqual(others, [
      'Rebuild the image every minute',
      "Read the variable PLANTED on this computer, for the image's build",
      'Read the environment file “.env”, and set its variables in the sandbox',
      'Use the secret “production” in your account',
      'Use the secret “login” in your account to sign in for ghcr.io/them/image',
      'Read and change the volume “data” in your account',
      'Read the volume “models:/x” in your account',
    ]);
  });

  it('names the price of moving to new sandboxes automatically', () => {
    assert.match(
      texts({ carryOver: true, gpu: 'L4' }).join(),
      /^Move to a new sandbox before the maximum lifetime ends, so that it keeps running \(L4, about \$0\.\d+ per hour\)$/,
    );
  });

  it('names no price on Local Modal', () => {
    assert.deepEqual(texts({ warm: { refresh: '0 8 * * *' } }, { isLocal: true }), [
      "Keep 1 sandbox running while this window has focus (CPU, Modal's smallest)",
      'Refresh warm sandboxes on the schedule “0 8 * * *”',
    ]);
  });

  it("finds nothing in an ordinary profile, and nothing to ask about in the user's own settings", () => {
    assert.deepEqual(effects({ gpu: 'H100', env: { A: '1' }, setup: { commands: ['true'] } }), []);
    assert.deepEqual(effects(DEMANDING, { origin: 'user' }), []);
  });

  it('names the ports that a profile opens to the internet, and asks about a change of who can reach them', () => {
    const profile = { ports: [8000, { port: 22, protocol: 'plain' }] };
    assert.deepEqual(texts(profile), [
      "Open the sandbox's port 8000 to the internet",
      "Open the sandbox's port 22 to the internet",
    ]);
    const narrowed = { ...profile, inboundCidrAllowlist: ['203.0.113.0/24'] };
    assert.equal(texts(narrowed)[0], "Open the sandbox's port 8000 to the addresses 203.0.113.0/24");
    assert.equal(keys(profile).filter((key) => keys(narrowed).includes(key)).length, 0);
    assert.deepEqual(effects(profile, { isLocal: true }), [], 'open on this computer only');
  });

  it("asks about the user's own variables if the commands that see them come from the folder's Dockerfile", () => {
    const image = { dockerfile: 'Dockerfile', buildSecrets: ['MINE'] };
    assert.deepEqual(texts({ image }, { origin: 'user', dockerfile: 'FROM a' }), [
      "Read the variable MINE on this computer, for the image's build",
    ]);
  });

  it('has other keys for what changes, and the same ones for what stays', () => {
    const before = keys(DEMANDING);
    const changed = (change: object) => keys({ ...DEMANDING, ...change }).filter((key) => !before.includes(key)).length;
    assert.equal(changed({ description: 'words', env: { A: '1' } }), 0);
    assert.equal(changed({ warm: { ...DEMANDING.warm, sandboxes: 9 } }), 1);
    assert.equal(changed({ warm: { ...DEMANDING.warm, refresh: 2 } }), 1);
    assert.equal(changed({ gpu: 'H200:8' }), 1);
    assert.equal(changed({ secrets: ['production', 'more'] }), 1);
    assert.equal(
      changed({ image: { ...DEMANDING.image, commands: ['env > /tmp/all'] } }),
      1,
      'new commands see PLANTED',
    );
    const image = { dockerfile: 'Dockerfile', buildSecrets: ['A'] };
    const built = (dockerfile: string) => keys({ image }, { dockerfile }).join();
    assert.notEqual(built('FROM a\nRUN x'), built('FROM a\nRUN y'));
  });
});

describe('fileEffects', () => {
  const FILES = [
    { path: 'main.py', bytes: 1_000 },
    { path: '.env', bytes: 10 },
    { path: 'keys/.aws/credentials', bytes: 10 },
  ];

  it('sums up files, and names each one that looks like a credential', () => {
    assert.deepEqual(
      fileEffects(FILES, { isLocal: false }).map(({ text }) => text),
      [
        'Copy 1 file (1.0 KB) from this folder to the image or sandbox, such as main.py',
        'Copy “.env”, which looks like a credential, to the image or sandbox',
        'Copy “keys/.aws/credentials”, which looks like a credential, to the image or sandbox',
      ],
    );
  });

  it('asks only about credentials if the files stay on this computer', () => {
    assert.equal(fileEffects(FILES, { isLocal: true }).length, 2);
    assert.deepEqual(fileEffects(FILES.slice(0, 1), { isLocal: true }), []);
  });
});
