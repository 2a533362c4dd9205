/** The headless browser that shows VS Code's server build. */
import { existsSync } from 'node:fs';
import { access, constants, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { beforeExit } from '../cleanup.ts';
import { projectFolder, vscodeTestFolder } from '../paths.ts';
import { runProcess } from '../processes.ts';
import { say } from '../say.ts';
import { onlyOne } from './only-one.ts';

const UNPACK_TIMEOUT_MS = 120_000;
const LAUNCH_TIMEOUT_MS = 60_000;

interface BrowserProgram {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Starts a headless Chromium-based browser. It is closed when this process exits. */
export async function startBrowser(): Promise<Browser> {
  const { path, args, env } = await browserProgram();
  const browser = await chromium.launch({
    executablePath: path,
    args: [...args],
    env: { ...process.env, ...env },
    timeout: LAUNCH_TIMEOUT_MS,
    handleSIGHUP: false,
    handleSIGINT: false,
    handleSIGTERM: false,
  });
  const close = beforeExit(() => browser.close());
  browser.once('disconnected', () => void close());
  return browser;
}

async function browserProgram(): Promise<BrowserProgram> {
  const named = process.env.BROWSER_PATH;
  if (named && !existsSync(named)) throw new Error(`BROWSER_PATH is set to ${named}, which doesn't exist.`);
  const installed = named ?? (await installedBrowser());
  // Chromium's own sandbox doesn't work for root, the usual user in containers.
  if (installed) return { path: installed, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [], env: {} };
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('Chrome, Chromium, or Edge is required. Install one, or set BROWSER_PATH to its path.');
  }
  return packagedBrowser();
}

/** Returns the path of an installed Chrome, Chromium, or Edge. */
async function installedBrowser(): Promise<string | undefined> {
  const programFiles = [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA];
  const candidates = {
    linux: ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser', 'microsoft-edge'].flatMap((name) =>
      (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)),
    ),
    darwin: ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
      (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
    ),
    win32: ['Google/Chrome/Application/chrome.exe', 'Microsoft/Edge/Application/msedge.exe'].flatMap((name) =>
      programFiles.flatMap((folder) => (folder ? [join(folder, name)] : [])),
    ),
  }[process.platform as 'linux'];
  for (const path of candidates ?? []) {
    const runnable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runnable) return path;
  }
  return undefined;
}

/**
 * Returns the Chromium in the npm package `@sparticuz/chromium`. The package extracts itself into the temporary folder, and
 * assumes that files it finds there are complete. So it is extracted by a separate process, into a private folder.
 */
async function packagedBrowser(): Promise<BrowserProgram> {
  const manifest = await readFile(join(projectFolder, 'node_modules/@sparticuz/chromium/package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const folder = join(vscodeTestFolder, `chromium-${version}`);
  if (!existsSync(folder)) {
    await onlyOne(`${folder}.lock`, UNPACK_TIMEOUT_MS, async () => {
      if (!existsSync(folder)) await unpackInto(folder);
    });
  }
  const path = join(folder, 'chromium');
  return { path, args: PACKAGED_ARGS, env: await missingLibraries(path, folder) };
}

const PACKAGED_ARGS = [
  '--headless=shell',
  '--no-sandbox',
  '--disable-gpu',
  '--no-zygote',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
];

async function unpackInto(folder: string): Promise<void> {
  say('Extracting the browser (only once)…');
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const script = `import chromium from '@sparticuz/chromium'; await chromium.executablePath();`;
  const { exitCode, output } = await runProcess(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: projectFolder,
    // With the Lambda runtime set, the package also extracts the shared libraries.
    env: { ...process.env, TMPDIR: unfinished, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
    timeoutMs: UNPACK_TIMEOUT_MS,
  });
  if (exitCode !== 0) throw new Error(`Could not extract the browser in @sparticuz/chromium:\n${output}`);
  await rename(unfinished, folder);
}

/** Adds the package's libraries and fonts if the system doesn't have its own. */
async function missingLibraries(path: string, folder: string): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  const linked = await runProcess('ldd', [path], { timeoutMs: 10_000 });
  if (linked.output.includes('not found')) {
    const own = join(folder, 'al2023', 'lib');
    env.LD_LIBRARY_PATH = [process.env.LD_LIBRARY_PATH, own].filter(Boolean).join(':');
  }
  if (!existsSync('/etc/fonts/fonts.conf')) env.FONTCONFIG_PATH = join(folder, 'fonts');
  return env;
}
