/**
 * A program that accepts VS Code's flags, for `runTests({ vscodeExecutablePath })` of `@vscode/test-electron`. With it, the
 * same tests run in desktop VS Code if it is installed, and in the server build otherwise.
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
