/** A process for tests to kill. Opens windows, runs a line of shell in each, prints “ready”, and waits. */
import { TestWindow, type WindowOptions } from './window.ts';

const [windows = '[]', line = 'true'] = process.argv.slice(2);
await Promise.all(
  JSON.parse(windows).map(async (options: WindowOptions) => {
    const window = new TestWindow(options);
    await window.machine.join();
    await new Promise<void>((resolve, reject) => {
      // It may be killed while something runs.
      void window.run(`${line}; sleep 1`, resolve).then(({ error }) => error && reject(new Error(error)));
    });
    if (window.target.warm) await window.pool.fill(window.target, AbortSignal.timeout(30_000));
  }),
);
console.log('ready');
setInterval(() => {}, 60_000);
