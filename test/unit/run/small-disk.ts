/** A process for a test, with a disk of its own: `URL FOLDER`. Prints what it finds as JSON. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addConfigProfile } from '../../../src/modal/config-file.ts';
import { explain } from '../../../src/modal/explain/explain.ts';
import { launcherFor } from '../../helpers/local-modal-launcher.ts';
import { accountOf } from '../../helpers/sessions.ts';
import { localFolder, startScript } from './local-runs.ts';

const [url = '', disk = ''] = process.argv.slice(2);
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk]);
process.env.TMPDIR = disk;
process.env.MODAL_CONFIG_PATH = join(disk, '.modal.toml');

const folder = await localFolder(async () => accountOf({ url }), { image: 'python:3.13-slim', hostVolume: false });
await writeFile(join(folder.path, 'kept.txt'), 'kept');
const run = async (script: string, pull: string[]) => {
  const { run: started, text } = await startScript(folder, script, { pull });
  const { error = '' } = await started.done;
  return error + text.status;
};
const full = await run('head -c 4000000 /dev/urandom > big.bin; echo made > small.txt', ['big.bin', 'small.txt']);
const left = readdirSync(folder.path).filter((name) => name.startsWith('big') || name.includes('modal'));
await rm(join(folder.path, 'big.bin'), { force: true });
const again = await run('cat kept.txt > small.txt; rm big.bin', ['small.txt']);
const pulled = readFileSync(join(folder.path, 'small.txt'), 'utf8');

const dataDir = join(disk, 'local-modal');
await mkdir(dataDir, { mode: 0o700 });
execFileSync('mount', ['-o', 'remount,ro', disk]);
const launcher = launcherFor(dataDir);
const messageOf = (work: Promise<unknown>) =>
  work.then(
    () => '',
    (error: unknown) => explain(error).message,
  );
const readOnly = [
  await messageOf(addConfigProfile('main', { tokenId: 'ak-1', tokenSecret: 'as-1' })),
  await messageOf(launcher.account()),
];
launcher.dispose();
process.stdout.write(JSON.stringify({ full, left, again, pulled, readOnly }));
process.exit(0);
