import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfigProfiles } from '../../../src/modal/accounts.ts';
import { addConfigProfile, readConfigFile } from '../../../src/modal/config-file.ts';

describe("Modal's config file", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modal-config-'));
    path = join(folder, 'modal.toml');
    process.env.MODAL_CONFIG_PATH = path;
  });
  afterEach(async () => {
    delete process.env.MODAL_CONFIG_PATH;
    await rm(folder, { recursive: true });
  });
  const token = { tokenId: 'ak-1', tokenSecret: 'as-"quoted"' };

  it('is created for its user only, with a profile that can be read again', async () => {
    assert.equal(await readConfigFile(), undefined);
    assert.equal(await addConfigProfile('you@local', { ...token, serverUrl: 'http://127.0.0.1:1' }), 'you@local');
    if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600);
    const [profile] = parseConfigProfiles((await readConfigFile()) ?? '');
    assert.equal(profile?.name, 'you@local');
    assert.equal(profile.account?.tokenSecret, token.tokenSecret);
    assert.equal(profile.account?.serverUrl, 'http://127.0.0.1:1');
  });

  it('keeps its text, and gets another name for a profile that it already has', async () => {
    const before = '# mine\n[main]\ntoken_id = "ak-0"\nactive = true # yes';
    await writeFile(path, before);
    assert.equal(await addConfigProfile('main', token), 'main-2');
    const after = await readFile(path, 'utf8');
    assert.ok(after.startsWith(before));
    assert.deepEqual(
      parseConfigProfiles(after).map(({ name, active }) => [name, active]),
      [
        ['main', true],
        ['main-2', false],
      ],
    );
  });

  it("isn't touched if it isn't TOML", async () => {
    await writeFile(path, '[main');
    await assert.rejects(addConfigProfile('main', token), { name: 'AccountError' });
    assert.equal(await readFile(path, 'utf8'), '[main');
  });
});
