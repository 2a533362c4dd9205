import * as vscode from 'vscode';
import { explainAndLog } from '../../modal/errors.ts';
import { runningSandboxes } from '../../modal/sandbox-list.ts';
import { Tag, terminateSandbox } from '../../modal/sandboxes.ts';
import { machineKey } from '../../sandboxes/sandbox-origin.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { WarmUpService } from './warm-up-service.ts';

/** `modal.stopEverything`: ends all sandboxes that this machine started, in all windows, and stops warm-ups. */
export async function stopEverything(sessions: Sessions, warmUps: WarmUpService): Promise<void> {
  try {
    const ended = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: 'Stopping everything that this machine started…' },
      async () => {
        const { client, app } = await sessions.connection();
        const find = async () =>
          (await runningSandboxes(client, app, { [Tag.machine]: machineKey() })).map(({ id }) => id);
        const before = await find();
        await warmUps.stop();
        // What was started meanwhile is among them.
        const running = new Set([...before, ...(await find())]);
        await Promise.all(
          [...running].map(async (id) => {
            await terminateSandbox(client, id);
            await sessions.noteEnd(id);
          }),
        );
        await sessions.dispose();
        return running.size;
      },
    );
    const what =
      ended === 0
        ? 'No sandbox of this machine ran'
        : ended === 1
          ? '1 sandbox was ended'
          : `${ended} sandboxes were ended`;
    void vscode.window.showInformationMessage(`${what}. Nothing is kept warm until the next run.`);
  } catch (error) {
    void vscode.window.showErrorMessage(explainAndLog(error));
  }
}
