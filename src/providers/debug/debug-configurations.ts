import * as vscode from 'vscode';
import { DEBUG_TYPE, type Launch, namesAdapter, parseConfiguration } from '../../debug/launch.ts';
import type { RunRequest } from '../../run/request.ts';
import type { ErrorContext } from '../common/error-actions.ts';
import { report } from '../common/report.ts';
import type { DebugServices } from './debug-services.ts';
import { launchRequest } from './launch-requests.ts';
import { strings } from './strings.ts';

/** Runs what `make` builds, without a debugger. */
export type Run = (make: () => Promise<RunRequest>, context: ErrorContext) => Promise<unknown>;

/** Completes the configurations of our type, checks them, and makes one for a file if there is no launch.json. */
export class DebugConfigurations implements vscode.DebugConfigurationProvider {
  readonly #services: DebugServices;
  readonly #run: Run;

  constructor(services: DebugServices, run: Run) {
    this.#services = services;
    this.#run = run;
  }

  /** The configurations of a new launch.json, and those that are offered without one. */
  provideDebugConfigurations(): vscode.DebugConfiguration[] {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variable
    return [configurationFor('${file}', strings.currentFile())];
  }

  /** Without a launch.json, VS Code passes an empty configuration. */
  resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    config: vscode.DebugConfiguration,
  ): vscode.ProviderResult<vscode.DebugConfiguration> {
    if (config.type || config.request || config.name) return config;
    const document = vscode.window.activeTextEditor?.document;
    if (!document) {
      report(strings.noFileOpen());
      return undefined;
    }
    return { ...config, ...configurationFor(programOf(document.uri)) };
  }

  /** Resolves with undefined if nothing is to be debugged, after it has said why. */
  async resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    config: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    if (config.__child) return config;
    const launch = parseConfiguration(config);
    if (typeof launch === 'string') {
      report(launch);
      return undefined;
    }
    // Other adapters know themselves how to run a program without debugging it.
    if (config.noDebug === true && !namesAdapter(launch) && launch.request === 'launch') {
      void this.#run(() => launchRequest(launch, folder, this.#services.requests), { profile: launch.profile });
      return undefined;
    }
    return (await this.#services.account.ensureChosen()) ? config : undefined;
  }
}

/** Returns the configuration for a file. */
export function configurationFor(
  program: string,
  name = strings.configuration(),
  own: Partial<Launch> = {},
): vscode.DebugConfiguration {
  return { type: DEBUG_TYPE, request: 'launch', name, program, ...own };
}

/** Returns the `program` that names a file, which may not have been saved yet. */
export function programOf(uri: vscode.Uri): string {
  return uri.scheme === 'file' ? uri.fsPath : uri.toString();
}
