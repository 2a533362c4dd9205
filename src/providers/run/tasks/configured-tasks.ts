import { isDeepStrictEqual } from 'node:util';
import * as vscode from 'vscode';
import { z } from 'zod';
import { type ConfiguredTask, readTasksJson } from '../../../run/tasks/tasks-json.ts';
import { environmentNames } from '../../../run/tasks/variables.ts';
import { diskFolders } from '../../common/folders.ts';

type Scope = vscode.WorkspaceFolder | vscode.TaskScope;

const InputsSchema = z.object({ inputs: z.array(z.looseObject({ id: z.string() })) });

/** A task of a tasks.json, and where the file belongs. */
export interface ScopedTask extends ConfiguredTask {
  readonly scope: Scope;
}

/** Returns the tasks of all tasks.json files, in the order of VS Code: the user's, the workspace's, the folders'. */
export function configuredTasks(): ScopedTask[] {
  return tasksFiles().flatMap(({ raw, scope }) => readTasksJson(raw).map((task) => ({ ...task, scope })));
}

/**
 * Returns the names of this computer's environment variables that a task reads, as written. Those that the user's own
 * tasks.json names are the user's choice, and aren't among them.
 */
export function variablesRead(definition: unknown, scope: Scope): string[] {
  if (scope === vscode.TaskScope.Global) return [];
  const settings = vscode.workspace.getConfiguration(undefined, typeof scope === 'object' ? scope.uri : undefined);
  return environmentNames(definition, (kind, name) =>
    kind === 'config'
      ? settings.get(name)
      : tasksFiles().flatMap(
          ({ raw }) => InputsSchema.safeParse(raw).data?.inputs.filter(({ id }) => id === name) ?? [],
        ),
  );
}

/** Returns the contents of all tasks.json files, and where they belong. */
function tasksFiles(): { raw: unknown; scope: Scope }[] {
  const all = vscode.workspace.getConfiguration().inspect('tasks');
  const ofFolders = diskFolders().map((folder) => {
    const { workspaceFolderValue, workspaceValue } =
      vscode.workspace.getConfiguration(undefined, folder).inspect('tasks') ?? {};
    // Without a .code-workspace file, the only folder is the workspace.
    return {
      raw: workspaceFolderValue ?? (vscode.workspace.workspaceFile ? undefined : workspaceValue),
      scope: folder,
    };
  });
  return [
    { raw: all?.globalValue, scope: vscode.TaskScope.Global },
    ...(vscode.workspace.workspaceFile ? [{ raw: all?.workspaceValue, scope: vscode.TaskScope.Workspace }] : []),
    ...ofFolders,
  ];
}

/** Returns true if a task comes from the same file, or folder. */
export function isOfScope(task: vscode.Task, scope: Scope): boolean {
  return scopeKey(task.scope) === scopeKey(scope);
}

export function scopeKey(scope: vscode.Task['scope']): string {
  return typeof scope === 'object' ? `${scope.uri}` : `${scope ?? vscode.TaskScope.Workspace}`;
}

/** Returns what tasks.json says about a task of VS Code; undefined if it isn't there. */
export function configurationOf(task: vscode.Task, configured: readonly ScopedTask[]): ScopedTask | undefined {
  const ofScope = configured.filter(({ scope }) => isOfScope(task, scope));
  if (isCustom(task)) return ofScope.find((each) => each.isCustom && each.label === task.name);
  return ofScope.find((each) => !each.isCustom && matchesDefinition(each.properties, task.definition));
}

/** Returns true for a task that tasks.json defines as a whole. */
export function isCustom({ definition: { type } }: vscode.Task): boolean {
  return type === 'shell' || type === 'process' || type.startsWith('$');
}

/** Returns true if properties of tasks.json, or of a dependency, name the task with a definition. */
export function matchesDefinition(
  properties: Readonly<Record<string, unknown>>,
  definition: vscode.TaskDefinition,
): boolean {
  if (properties.type !== definition.type) return false;
  return definitionKeys(definition.type).every((key) => isDeepStrictEqual(properties[key], definition[key]));
}

const DefinitionSchema = z.object({ type: z.string(), properties: z.record(z.string(), z.unknown()).default({}) });

/** The properties that identify a contributed task of a type. */
function definitionKeys(type: string): string[] {
  for (const { packageJSON } of vscode.extensions.all) {
    const definitions: unknown[] = packageJSON?.contributes?.taskDefinitions ?? [];
    const found = definitions.map((each) => DefinitionSchema.safeParse(each).data).find((each) => each?.type === type);
    if (found) return Object.keys(found.properties);
  }
  return [];
}
