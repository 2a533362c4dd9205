import type { TestCounts } from '../counts.ts';

export interface MochaOptions {
  readonly files: readonly string[];
  readonly timeoutMs: number;
  /** Runs only the tests whose full title holds this. */
  readonly grep?: string | undefined;
  /** Whether colours are wanted although this process has no terminal. */
  readonly color?: boolean | undefined;
}

/** Runs test files with mocha in this process and prints them as a specification to the console. */
export async function runMocha({ files, timeoutMs, grep, color }: MochaOptions): Promise<TestCounts> {
  // Loaded here and not before: mocha keeps the `console.log` that it finds when it is loaded.
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

/** A stack without the frames of Node and of VS Code itself, which are many and tell nothing. */
function withoutForeignFrames(stack = ''): string {
  return stack
    .split('\n')
    .filter((line) => !/^\s+at .*(node:|[\\/]\.vscode-test[\\/]|extensionHostProcess\.js)/.test(line))
    .join('\n');
}
