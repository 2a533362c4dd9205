import type { Settings } from '../vscode/profile.ts';

/**
 * How VS Code is started for the tests of one folder `test/integration/<name>`; its `launch.ts` exports one as
 * `default`.
 */
export interface IntegrationLaunch {
  /**
   * Folder of the project that is copied to a temporary one and opened there, or a `.code-workspace` file whose folder is
   * copied; none opens an empty window.
   */
  readonly workspace: string | undefined;
  /** User settings. */
  readonly settings: Settings;
  /** Whether VS Code asks for trust in the folder, which then is not trusted. */
  readonly workspaceTrust?: boolean;
  /** Folders of the project with other extensions, installed beside ours. */
  readonly extensions?: readonly string[];
  /** More environment for the extension host. */
  readonly env?: Readonly<Record<string, string>>;
}
