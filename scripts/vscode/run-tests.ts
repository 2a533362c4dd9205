/**
 * `runTests` of `@vscode/test-electron` as a program. Takes the options as JSON on the command line, and exits with the
 * tests' exit code. It is a separate process so that VS Code can be stopped together with it.
 */
import { runTests, TestRunFailedError } from '@vscode/test-electron';

type Options = Parameters<typeof runTests>[0];

try {
  process.exitCode = await runTests(JSON.parse(process.argv[2] ?? '{}') as Options);
} catch (error) {
  if (!(error instanceof TestRunFailedError)) throw error;
  process.exitCode = error.code ?? 1;
}
