import * as vscode from 'vscode';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { registerCommands } from '../common/commands.ts';
import { ImageCommands } from './image-commands.ts';
import { ImageReports } from './image-reports.ts';

/** The commands that build and check images. */
export function imagesModule({ sessions }: { readonly sessions: Sessions }): vscode.Disposable {
  const reports = new ImageReports();
  const actions = new ImageCommands(sessions, reports);
  return vscode.Disposable.from(
    reports,
    registerCommands({
      'modal.rebuildImage': () => actions.rebuild(),
      'modal.checkImage': () => actions.check(),
    }),
  );
}
