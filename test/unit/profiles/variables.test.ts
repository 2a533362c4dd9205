import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strings } from '../../../src/base/strings.ts';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { readEnvFile } from '../../../src/profiles/variables.ts';

describe('readEnvFile', () => {
  let top: string;
  beforeEach(async () => {
    top = await mkdtemp(join(tmpdir(), 'env-file-'));
    await mkdir(join(top, 'folder'));
  });
  afterEach(() => rm(top, { recursive: true }));

  const read = (envFile: string) => readEnvFile(ProfileSchema.parse({ envFile }), join(top, 'folder'));

  it('leaves out tokens of a Modal account', async () => {
    await writeFile(
      join(top, 'folder/.env'),
      'MODAL_TOKEN_ID=ak-1\nmodal_identity_token=x\nMODAL_ENVIRONMENT=dev\nA=1',
    );
    assert.deepEqual(await read('.env'), { MODAL_ENVIRONMENT: 'dev', A: '1' });
  });

  it('refuses an environment file that a link leads out of the folder', async () => {
    await writeFile(join(top, 'outside.env'), 'A=1');
    await writeFile(join(top, 'folder/own.env'), 'A=2');
    await symlink('own.env', join(top, 'folder/inside.env'));
    await symlink('../outside.env', join(top, 'folder/.env'));
    assert.deepEqual(await read('inside.env'), { A: '2' });
    await assert.rejects(read('.env'), { name: 'UserError', message: strings.leadsOutside('.env') });
  });
});
