/** `npm start -- --run file`: runs the extension's Run Active File in a VS Code without a screen. */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { distFolder, fromWhereNpmRan, projectFolder } from './paths.ts';
import { say } from './say.ts';
import { launch } from './vscode/launch.ts';
import { type Settings, temporaryProfile } from './vscode/profile.ts';
import { openRelay } from './vscode/relay.ts';

/** How the run ended, as the extension's command tells it. */
export interface RunEnd {
  readonly exitCode?: number | undefined;
  /** One sentence, when the program never ran. */
  readonly error?: string | undefined;
}

export interface RunFileOptions {
  /** Absolute, or relative to the folder, or else to where npm was run. */
  readonly file: string;
  /** Absolute path of the workspace folder. */
  readonly folder: string;
  readonly settings: Settings;
}

/** Runs the file; what its terminal shows goes to stdout as it comes. Returns the program's exit code, or 1. */
export async function runFile({ file, folder, settings }: RunFileOptions): Promise<number> {
  const path = isAbsolute(file) ? file : existsSync(join(folder, file)) ? join(folder, file) : fromWhereNpmRan(file);
  if (!existsSync(path)) throw new Error(`There is no ${file} in ${folder}. Name a file of the folder to run.`);
  const relay = await openRelay<RunEnd>((text) => process.stdout.write(text));
  const profile = await temporaryProfile(settings);
  const log: string[] = [];
  const flags = {
    ...profile,
    folder,
    extensionDevelopmentPaths: [projectFolder],
    extensionTestsPath: join(distFolder, 'test', 'run-file.cjs'),
    workspaceTrust: false,
  };
  const code = await launch(flags, {
    print: (line) => log.push(line),
    env: { ...process.env, ...relay.env, RUN_FILE: path },
  });
  const end = relay.result();
  await relay.close();
  // A sentence that sends the reader to a file must not take that file away.
  if (end?.error?.includes(profile.folder)) profile.keep();
  await profile.remove();
  if (end?.exitCode !== undefined && end.error === undefined) return end.exitCode;
  if (end) say(end.error ?? 'The run ended without an exit code.');
  else say(`VS Code ended with ${code} before the run did. The last of its log:\n${log.slice(-40).join('\n')}`);
  return 1;
}
