import type { Settings } from '../vscode/profile.ts';

/**
 * The way VS Code is started for the tests in a folder `test/integration/<name>`. The default export of its
 * `launch.ts`.
 */
export interface IntegrationLaunch {
  /**
   * A folder in the project, or a `.code-workspace` file. The folder is copied to a temporary one and opened there.
   * Undefined opens an empty window.
   */
  readonly workspace: string | undefined;
  /** User settings. */
  readonly settings: Settings;
  /** Enables workspace trust, so that the folder is untrusted. Otherwise, every folder is trusted. */
  readonly workspaceTrust?: boolean;
  /** Folders in the project with other extensions to install. */
  readonly extensions?: readonly string[];
  /** Additional environment variables for the extension host. */
  readonly env?: Readonly<Record<string, string>>;
}
