/**
 * `npm start [folder]`: builds the extension, and opens the folder in a real VS Code with it.
 * `npm start -- --run file [folder]`: runs a file without VS Code, with piped input, and exits with its exit code.
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

const USAGE = `Usage: npm start [folder]                  open a folder in VS Code with the extension (default: examples/hello)
       npm start -- --run FILE [folder]    run a file without VS Code, and exit with its exit code;
                                           it reads what is piped to npm start
       npm start -- --cloud [folder]       use Modal instead of Local Modal`;

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
  if (!existsSync(folder)) throw new Error(`Folder ${folder} doesn't exist.\n${USAGE}`);
  const settings = values.cloud ? {} : { 'modal.account': 'local' };
  await buildAll();
  if (values.run !== undefined) return runFile({ file: values.run, folder, account: values.cloud ? [] : ['--local'] });
  return openVsCode({ folder, settings, trusted: folder === examples });
}

try {
  await exit(await main());
} catch (error) {
  await fail(error);
}
