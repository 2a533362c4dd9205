import type { TestResults } from '../results.ts';

/** The part of a reason that is repeated at the end of all tests. */
const MAX_REASON_CHARACTERS = 1_500;

export interface MochaOptions {
  readonly files: readonly string[];
  readonly timeoutMs: number;
  /** Runs only tests whose full title contains this text. */
  readonly grep?: string | undefined;
  /** Prints colors even if this process has no terminal. */
  readonly color?: boolean | undefined;
}

/** Runs test files with mocha in this process, and prints the results to the console with the `spec` reporter. */
export async function runMocha({ files, timeoutMs, grep, color }: MochaOptions): Promise<TestResults> {
  // mocha must be loaded here, because it keeps the `console.log` that exists when it is loaded.
  const { default: Mocha } = await import('mocha');
  const mocha = new Mocha({
    ui: 'bdd',
    reporter: 'spec',
    timeout: timeoutMs,
    slow: timeoutMs / 4,
    forbidOnly: Boolean(process.env.CI),
    ...(grep ? { grep } : {}),
    ...(color ? { color } : {}),
  });
  for (const file of files) mocha.addFile(file);
  await mocha.loadFilesAsync();
  const failures: string[] = [];
  return new Promise((resolve) => {
    const runner = mocha.run(() => resolve({ passed: runner.stats?.passes ?? 0, failures }));
    runner.on('fail', (test, error: unknown) => {
      if (error instanceof Error) error.stack = withoutForeignFrames(error.stack);
      const reason = error instanceof Error && error.stack ? error.stack : String(error);
      failures.push(`${test.fullTitle()}\n${reason.slice(0, MAX_REASON_CHARACTERS).replace(/^/gm, '    ')}`);
    });
  });
}

/** Removes the stack frames of Node and VS Code, which are numerous and don't help. */
function withoutForeignFrames(stack = ''): string {
  return stack
    .split('\n')
    .filter((line) => !/^\s+at .*(node:|[\\/]\.vscode-test[\\/]|extensionHostProcess\.js)/.test(line))
    .join('\n');
}
