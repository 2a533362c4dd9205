import { parseArgs } from 'node:util';

/** What to start, in the terms of VS Code's own command line. */
export interface LaunchFlags {
  /** Folder or `.code-workspace` file to open. */
  readonly folder: string | undefined;
  readonly extensionDevelopmentPaths: readonly string[];
  readonly extensionTestsPath: string | undefined;
  readonly userDataDir: string;
  readonly extensionsDir: string;
  /** Whether VS Code asks for trust in the folder; otherwise every folder is trusted. */
  readonly workspaceTrust: boolean;
}

/** The command line of the launcher: VS Code's, and its own. */
export interface LauncherCommandLine {
  readonly flags: LaunchFlags;
  readonly log: string | undefined;
  readonly timeoutMs: number | undefined;
}

/** Flags of the launcher itself, which are not VS Code's. */
export const LAUNCHER_FLAGS = {
  /** Keeps workspace trust, although `@vscode/test-electron` always passes `--disable-workspace-trust`. */
  keepTrust: 'launcher-keep-trust',
  /** Writes the console, which VS Code mixes with its own log, to this file instead of to stdout. */
  log: 'launcher-log',
  /** Ends VS Code when its tests take longer. */
  timeoutMs: 'launcher-timeout-ms',
} as const;

/** Reads a command line of VS Code. Flags that mean nothing to a test run are taken and ignored. */
export function parseFlags(commandLine: readonly string[]): LauncherCommandLine {
  const { values, positionals } = parseArgs({
    args: [...commandLine],
    strict: false,
    allowPositionals: true,
    options: {
      extensionDevelopmentPath: { type: 'string', multiple: true },
      extensionTestsPath: { type: 'string' },
      'user-data-dir': { type: 'string' },
      'extensions-dir': { type: 'string' },
      'disable-workspace-trust': { type: 'boolean' },
      [LAUNCHER_FLAGS.keepTrust]: { type: 'boolean' },
      [LAUNCHER_FLAGS.log]: { type: 'string' },
      [LAUNCHER_FLAGS.timeoutMs]: { type: 'string' },
    },
  });
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const needed = (name: string): string => {
    const value = text(name);
    if (!value) throw new Error(`The launcher needs --${name}=<folder>, so that it never touches your own VS Code.`);
    return value;
  };
  const development = values.extensionDevelopmentPath;
  const timeoutMs = text(LAUNCHER_FLAGS.timeoutMs);
  const flags = {
    folder: positionals[0],
    extensionDevelopmentPaths: Array.isArray(development) ? development.map(String) : [],
    extensionTestsPath: text('extensionTestsPath'),
    userDataDir: needed('user-data-dir'),
    extensionsDir: needed('extensions-dir'),
    workspaceTrust: Boolean(values[LAUNCHER_FLAGS.keepTrust]) || !values['disable-workspace-trust'],
  };
  return { flags, log: text(LAUNCHER_FLAGS.log), timeoutMs: timeoutMs === undefined ? undefined : Number(timeoutMs) };
}

/** The command line of desktop VS Code that does what the flags say. */
export function desktopArguments(flags: LaunchFlags): string[] {
  return [
    ...(flags.folder ? [flags.folder] : []),
    ...flags.extensionDevelopmentPaths.map((path) => `--extensionDevelopmentPath=${path}`),
    ...(flags.extensionTestsPath ? [`--extensionTestsPath=${flags.extensionTestsPath}`] : []),
    `--user-data-dir=${flags.userDataDir}`,
    `--extensions-dir=${flags.extensionsDir}`,
    ...(flags.workspaceTrust ? [] : ['--disable-workspace-trust']),
    '--no-sandbox',
    '--disable-gpu-sandbox',
    '--disable-updates',
    '--disable-telemetry',
    '--skip-welcome',
    '--skip-release-notes',
  ];
}
