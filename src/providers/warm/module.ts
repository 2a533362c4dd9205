import * as vscode from 'vscode';
import { registerCommands } from '../common/commands.ts';
import { type ColdStartOfferDependencies, offerAfterColdStarts } from './cold-starts.ts';
import { stopEverything } from './stop-everything.ts';
import type { WarmUpService } from './warm-up-service.ts';

export interface WarmModuleDependencies extends ColdStartOfferDependencies {
  readonly warmUps: WarmUpService;
}

/** The command that stops all sandboxes and warm-ups, and the offer to keep a sandbox warm. */
export function warmModule({ warmUps, ...dependencies }: WarmModuleDependencies): vscode.Disposable {
  return vscode.Disposable.from(
    warmUps,
    offerAfterColdStarts(dependencies),
    registerCommands({ 'modal.stopEverything': () => stopEverything(dependencies.sessions, warmUps) }),
  );
}
