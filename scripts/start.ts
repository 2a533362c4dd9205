/**
 * `npm start [folder]`: builds the extension and opens a real VS Code with it on the folder.
 * `npm start -- --run file [folder]`: the same without a screen, for one run, ending with the program's exit code.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildAll } from './build-all.ts';
import { exit, fail } from './cleanup.ts';
import { openVsCode } from './open-vs-code.ts';
import { fromWhereNpmRan, projectFolder } from './paths.ts';
import { runFile } from './run-file.ts';
import { say } from './say.ts';

const USAGE = `Usage: npm start [folder]                     opens VS Code with the extension on the folder (examples/hello)
       npm start -- --run file [folder]       runs the file without a screen, ends with its exit code
       npm start -- --cloud [folder]          runs on Modal itself, not on the local Modal`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { run: { type: 'string' }, cloud: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const examples = join(projectFolder, 'examples', 'hello');
  const folder = positionals[0] === undefined ? examples : fromWhereNpmRan(positionals[0]);
  if (!existsSync(folder)) throw new Error(`There is no folder ${folder}.\n${USAGE}`);
  const settings = values.cloud ? {} : { 'modal.account': 'local' };
  await buildAll();
  if (values.run !== undefined) return runFile({ file: values.run, folder, settings });
  return openVsCode({ folder, settings, trusted: folder === examples });
}

try {
  await exit(await main());
} catch (error) {
  await fail(error);
}
