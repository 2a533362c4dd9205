/** Runs VS Code until it exits: the desktop version if it is installed, or the server build in a headless browser. */
import { startProcess } from '../processes.ts';
import { messageOf } from '../say.ts';
import { startBrowser } from './browser.ts';
import { desktopVsCode } from './desktop.ts';
import { desktopArguments, type LaunchFlags } from './flags.ts';
import { pageAddress, runTestsInPage } from './page.ts';
import { startServer, withoutOuterVsCode } from './server.ts';

export interface LaunchOptions {
  /** Receives the lines of the extension host's console, mixed with VS Code's own log. */
  readonly print: (line: string) => void;
  /** The environment of the extension host. Defaults to that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Fails if the tests take longer. Undefined means no limit. */
  readonly timeoutMs?: number | undefined;
}

/** Runs the tests that the flags specify, and returns their exit code. */
export async function launch(
  flags: LaunchFlags,
  { print, env = process.env, timeoutMs }: LaunchOptions,
): Promise<number> {
  const desktop = desktopVsCode(env);
  const ended = desktop ? launchDesktop(desktop, flags, print, env) : launchServer(flags, print, env);
  if (timeoutMs === undefined) return ended;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `The tests in VS Code didn't finish within ${timeoutMs / 1000} s.`;
    timer = setTimeout(() => reject(new Error(message)), timeoutMs);
  });
  return Promise.race([ended, late]).finally(() => clearTimeout(timer));
}

async function launchDesktop(
  program: string,
  flags: LaunchFlags,
  print: (line: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const running = startProcess(program, desktopArguments(flags), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: withoutOuterVsCode(env),
  });
  for (const stream of [running.child.stdout, running.child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) print(line);
    });
    stream?.on('end', () => rest && print(rest));
  }
  return running.ended;
}

async function launchServer(
  flags: LaunchFlags,
  print: (line: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  if (!flags.extensionTestsPath) throw new Error('Specify --extensionTestsPath=<file>. The launcher only runs tests.');
  const [server, browser] = await Promise.all([startServer(flags, { testDriver: true, env }), startBrowser()]);
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const serverEnded = server.ended.then((code) => {
      throw new Error(`VS Code's server exited with code ${code} while the tests were running:\n${server.log()}`);
    });
    serverEnded.catch(() => {});
    return await Promise.race([runTestsInPage(page, pageAddress(server.authority, flags), print), serverEnded]);
  } catch (error) {
    throw new Error(`${messageOf(error)}\nThe end of the log of VS Code's server:\n${server.log().slice(-2_000)}`);
  } finally {
    await browser.close();
    await server.stop();
  }
}
