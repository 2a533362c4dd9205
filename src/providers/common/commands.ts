import * as vscode from 'vscode';
import type { CommandId } from './command-ids.ts';

/** Runs a command. Its arguments come from VS Code: the row or file that was clicked, and the whole selection. */
export type CommandHandler = (...args: never[]) => unknown;

/** Registers a feature's commands. */
export function registerCommands(handlers: { readonly [id in CommandId]?: CommandHandler }): vscode.Disposable {
  return vscode.Disposable.from(
    ...Object.entries(handlers).map(([id, handler]) => vscode.commands.registerCommand(id, handler)),
  );
}

/** Describes one of our own commands, for a row, a code lens, or a notification. */
export function commandTo(id: CommandId, title: string, ...args: unknown[]): vscode.Command {
  return { command: id, title, arguments: args };
}

/** Runs one of our own commands. */
export function executeCommand<T>(id: CommandId, ...args: unknown[]): Thenable<T> {
  return vscode.commands.executeCommand<T>(id, ...args);
}
