import * as vscode from 'vscode';
import { z } from 'zod';
import type { Shell } from '../../../run/tasks/command-line.ts';

const ProfileSchema = z.object({
  path: z.union([z.string().transform((path) => [path]), z.array(z.string())]),
  args: z.union([z.string().transform((arg) => [arg]), z.array(z.string())]).optional(),
});

/** Returns the shells that the settings name for tasks on Linux; empty by default. */
export function defaultShells(): Shell[] {
  const settings = vscode.workspace.getConfiguration('terminal.integrated');
  const configured = (key: string) => {
    const { workspaceFolderValue, workspaceValue, globalValue } = settings.inspect(key) ?? {};
    return workspaceFolderValue ?? workspaceValue ?? globalValue;
  };
  const profiles = z.record(z.string(), z.unknown()).safeParse(settings.get('profiles.linux')).data ?? {};
  const name = z.string().safeParse(configured('defaultProfile.linux')).data;
  const profile = configured('automationProfile.linux') ?? (name === undefined ? undefined : profiles[name]);
  const parsed = ProfileSchema.safeParse(profile).data;
  return parsed?.path.map((executable) => ({ executable, args: parsed.args })) ?? [];
}
