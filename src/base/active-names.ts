/**
 * Names of files and folders by which VS Code, its extensions, and its agents act on their own: settings, tasks, hooks,
 * servers, workspaces, and instructions.
 */
const ACTIVE =
  /^(\.vscode|.*\.code-workspace|\.devcontainer(\.json)?|\.github|\.claude|\.claude-plugin|\.plugin|\.agents|\.copilot|\.codex|\.cursor|\.mcp\.json|AGENTS\.md|CLAUDE(\.local)?\.md)$/is;

/** Returns true if VS Code acts on a file or folder with this name, without being asked. */
export function isActiveName(name: string): boolean {
  return ACTIVE.test(name);
}
