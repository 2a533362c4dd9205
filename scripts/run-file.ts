/** `npm start -- --run file`: runs a file in a headless VS Code, with what is piped to this process as its input. */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { distFolder, fromWhereNpmRan, projectFolder } from './paths.ts';
import { say } from './say.ts';
import { launch } from './vscode/launch.ts';
import { isInputPiped, offerInput } from './vscode/piped-input.ts';
import { type Settings, temporaryProfile } from './vscode/profile.ts';
import { openRelay } from './vscode/relay.ts';

/** The result of the extension's command. */
export interface RunOutcome {
  readonly exitCode?: number | undefined;
  /** A sentence for the user, if the program didn't run. */
  readonly error?: string | undefined;
}

export interface RunFileOptions {
  /** An absolute path, or one relative to the folder or to where npm was run. */
  readonly file: string;
  /** The absolute path of the workspace folder. */
  readonly folder: string;
  readonly settings: Settings;
}

/** Runs a file, and prints its terminal's output to stdout as it arrives. Returns the program's exit code, or 1. */
export async function runFile({ file, folder, settings }: RunFileOptions): Promise<number> {
  const path = isAbsolute(file) ? file : existsSync(join(folder, file)) ? join(folder, file) : fromWhereNpmRan(file);
  if (!existsSync(path)) throw new Error(`File ${file} doesn't exist in ${folder}. Specify a file in that folder.`);
  const relay = await openRelay<RunOutcome>((text) => process.stdout.write(text));
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
    env: { ...process.env, ...relay.env, ...(isInputPiped() && (await offerInput(process.stdin))), RUN_FILE: path },
  });
  const outcome = relay.result();
  await relay.close();
  // The error may refer to a file in the profile, such as a log.
  if (outcome?.error?.includes(profile.folder)) profile.keep();
  await profile.remove();
  if (outcome?.exitCode !== undefined && outcome.error === undefined) return outcome.exitCode;
  if (outcome) say(outcome.error ?? 'The run finished without an exit code.');
  else
    say(`VS Code exited with code ${code} before the run finished. The end of its log:\n${log.slice(-40).join('\n')}`);
  return 1;
}
