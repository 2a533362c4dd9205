import { parseArgs } from 'node:util';

/** The options of a launch, named like VS Code's command-line flags. */
export interface LaunchFlags {
  /** The folder or `.code-workspace` file to open. */
  readonly folder: string | undefined;
  readonly extensionDevelopmentPaths: readonly string[];
  readonly extensionTestsPath: string | undefined;
  readonly userDataDir: string;
  readonly extensionsDir: string;
  /** Enables workspace trust. Otherwise, every folder is trusted. */
  readonly workspaceTrust: boolean;
}

/** The command line of the launcher: VS Code's flags and its own. */
export interface LauncherCommandLine {
  readonly flags: LaunchFlags;
  readonly log: string | undefined;
  readonly timeoutMs: number | undefined;
}

/** The launcher's own flags. */
export const LAUNCHER_FLAGS = {
  /** Keeps workspace trust even though `@vscode/test-electron` always passes `--disable-workspace-trust`. */
  keepTrust: 'launcher-keep-trust',
  /** Writes the console, which VS Code mixes with its own log, to this file instead of stdout. */
  log: 'launcher-log',
  /** Stops VS Code if its tests take longer. */
  timeoutMs: 'launcher-timeout-ms',
} as const;

/** Parses VS Code's command line. Flags that don't matter for tests are accepted and ignored. */
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
  const required = (name: string): string => {
    const value = text(name);
    if (!value)
      throw new Error(`Specify --${name}=<folder>, so that the launcher never uses the data of your own VS Code.`);
    return value;
  };
  const development = values.extensionDevelopmentPath;
  const timeoutMs = text(LAUNCHER_FLAGS.timeoutMs);
  const flags = {
    folder: positionals[0],
    extensionDevelopmentPaths: Array.isArray(development) ? development.map(String) : [],
    extensionTestsPath: text('extensionTestsPath'),
    userDataDir: required('user-data-dir'),
    extensionsDir: required('extensions-dir'),
    workspaceTrust: Boolean(values[LAUNCHER_FLAGS.keepTrust]) || !values['disable-workspace-trust'],
  };
  return { flags, log: text(LAUNCHER_FLAGS.log), timeoutMs: timeoutMs === undefined ? undefined : Number(timeoutMs) };
}

/** Returns the command line of desktop VS Code for the flags. */
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
