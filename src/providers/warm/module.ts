import * as vscode from 'vscode';
import { registerCommands } from '../common/commands.ts';
import { stopEverything } from './stop-everything.ts';
import { WarmUpService, type WarmUpServiceOptions } from './warm-up-service.ts';

export interface WarmModule extends vscode.Disposable {
  readonly warmUps: WarmUpService;
}

/** Warm sandboxes, the budget, and the command that stops both. */
export function warmModule(options: WarmUpServiceOptions): WarmModule {
  const warmUps = new WarmUpService(options);
  const disposable = vscode.Disposable.from(
    warmUps,
    registerCommands({ 'modal.stopEverything': () => stopEverything(options.sessions, warmUps) }),
  );
  return Object.assign(disposable, { warmUps });
}
