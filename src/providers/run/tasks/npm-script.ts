import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { z } from 'zod';
import { packageManagerOf, projectsOf } from '../../../run/projects.ts';
import { findPackageScripts } from '../../../run/targets/package-json.ts';
import type { TaskReference } from '../../../run/tasks/tasks-json.ts';
import { folderOfScope } from '../../common/folders.ts';
import { scopeKey } from './configured-tasks.ts';
import type { Scope } from './modal-tasks.ts';
import type { Candidate } from './task-candidates.ts';

/** How VS Code names the task of a script: `npm: build`, or `npm: build - packages/a` in a subfolder. */
const NAME = /^npm: (?<script>.+?)(?: - (?<path>.+))?$/;
const ReferenceSchema = z.preprocess(
  (value) => (typeof value === 'string' ? { type: 'npm', ...NAME.exec(value)?.groups } : value),
  z.object({ type: z.literal('npm'), script: z.string(), path: z.string().default('') }),
);

/**
 * Returns the script of a package.json that a task depends on. VS Code doesn't tell extensions about all scripts: not if
 * `npm.autoDetect` is off, for example.
 */
export function npmScript(reference: TaskReference, scope: Scope): Candidate | undefined {
  const { script, path } = ReferenceSchema.safeParse(reference).data ?? {};
  const folder = folderOfScope(scope);
  if (script === undefined || path === undefined || !folder) return undefined;
  const file = posix.join(path, 'package.json');
  if (
    !findPackageScripts(textOf(join(folder.uri.fsPath, file))).some(
      (target) => 'name' in target && target.name === script,
    )
  )
    return undefined;
  const command = packageManagerOf(projectsOf(folder.uri.fsPath, file));
  return {
    key: [scopeKey(scope), 'npm', path, script].join('\n'),
    name: script,
    scope,
    configured: undefined,
    task: undefined,
    command: { kind: 'shell', command, args: ['run', script], cwd: join(folder.uri.fsPath, path), env: {} },
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
