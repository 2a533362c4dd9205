import type { TestCounts } from '../counts.ts';

export interface MochaOptions {
  readonly files: readonly string[];
  readonly timeoutMs: number;
  /** Runs only tests whose full title contains this text. */
  readonly grep?: string | undefined;
  /** Prints colors even if this process has no terminal. */
  readonly color?: boolean | undefined;
}

/** Runs test files with mocha in this process, and prints the results to the console with the `spec` reporter. */
export async function runMocha({ files, timeoutMs, grep, color }: MochaOptions): Promise<TestCounts> {
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
  return new Promise((resolve) => {
    const runner = mocha.run(() => {
      const { passes = 0, failures = 0 } = runner.stats ?? {};
      resolve({ passed: passes, failed: failures });
    });
    runner.on('fail', (_test, error: unknown) => {
      if (error instanceof Error) error.stack = withoutForeignFrames(error.stack);
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
