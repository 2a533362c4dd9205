/**
 * A program that takes VS Code's own flags, for `runTests({ vscodeExecutablePath })` of `@vscode/test-electron`: one
 * suite then runs in desktop VS Code where there is one, and in the server build elsewhere.
 */
import { appendFileSync } from 'node:fs';
import { exit, fail } from '../cleanup.ts';
import { parseFlags } from './flags.ts';
import { launch } from './launch.ts';

try {
  const { flags, log, timeoutMs } = parseFlags(process.argv.slice(2));
  const print = (line: string) => (log ? appendFileSync(log, `${line}\n`) : process.stdout.write(`${line}\n`));
  await exit(await launch(flags, { print, timeoutMs }));
} catch (error) {
  await fail(error);
}
