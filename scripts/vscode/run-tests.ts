/**
 * `runTests` of `@vscode/test-electron` as a program: options as JSON on the command line, the tests' exit code. In a
 * process of its own, so that the VS Code it starts can be ended together with it.
 */
import { runTests, TestRunFailedError } from '@vscode/test-electron';

type Options = Parameters<typeof runTests>[0];

try {
  process.exitCode = await runTests(JSON.parse(process.argv[2] ?? '{}') as Options);
} catch (error) {
  if (!(error instanceof TestRunFailedError)) throw error;
  process.exitCode = error.code ?? 1;
}
