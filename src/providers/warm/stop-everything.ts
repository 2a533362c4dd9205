import { runningSandboxes } from '../../modal/sandbox-list.ts';
import { Tag, terminateSandbox } from '../../modal/sandboxes.ts';
import { machineKey } from '../../sandboxes/sandbox-origin.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { shown, waiting } from '../common/progress.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';
import type { WarmUpService } from './warm-up-service.ts';

/** `modal.stopEverything`: stops warm-ups and all sandboxes started from this computer, in all windows. */
export async function stopEverything(sessions: Sessions, warmUps: WarmUpService): Promise<void> {
  await shown(async () => {
    const count = await waiting(strings.stopping(), async () => {
      const { client, app } = await sessions.connection();
      const find = async () =>
        (await runningSandboxes(client, app, { [Tag.machine]: machineKey() })).map(({ id }) => id);
      const before = await find();
      await warmUps.stop();
      // The second list includes what was started in the meantime.
      const running = new Set([...before, ...(await find())]);
      await Promise.all(
        [...running].map(async (id) => {
          await terminateSandbox(client, id);
          await sessions.noteEnd(id);
        }),
      );
      await sessions.terminateAll();
      return running.size;
    });
    const message =
      count === 0 ? strings.noneStopped() : count === 1 ? strings.oneStopped() : strings.manyStopped(count);
    void window.showInformationMessage(message);
  });
}
