import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';
import { explainAndLog } from '../../modal/explain/explain.ts';
import type { CommandId } from './command-ids.ts';
import { type Label, labelText } from './window.ts';

/** Runs a command. Its arguments come from VS Code: the row or file that was clicked, and the whole selection. */
export type CommandHandler = (...args: never[]) => unknown;

/** Registers a feature's commands. */
export function registerCommands(handlers: { readonly [id in CommandId]?: CommandHandler }): vscode.Disposable {
  return vscode.Disposable.from(
    ...Object.entries(handlers).map(([id, handler]) => vscode.commands.registerCommand(id, withCleanErrors(handler))),
  );
}

/** VS Code shows the error of a command that fails, and other extensions get it. */
function withCleanErrors(handler: CommandHandler): (...args: never[]) => Promise<unknown> {
  return async (...args) => {
    try {
      return await handler(...args);
    } catch (error) {
      if (error instanceof UserError || (error as Error | undefined)?.name === 'AbortError')
        throw cleaned(error as Error);
      throw new UserError(explainAndLog(error), { cause: error });
    }
  };
}

function cleaned(error: Error): Error {
  error.message = cleanLine(error.message);
  return error;
}

/** Describes one of our own commands, for a row, a code lens, or a notification. */
export function commandTo(id: CommandId, title: Label, ...args: unknown[]): vscode.Command {
  return { command: id, title: labelText(title), arguments: args };
}

/** Runs one of our own commands. */
export function executeCommand<T>(id: CommandId, ...args: unknown[]): Thenable<T> {
  return vscode.commands.executeCommand<T>(id, ...args);
}
