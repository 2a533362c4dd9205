import * as vscode from 'vscode';
import { checkImage, type ImageReport, reportLines } from '../../images/check.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { executeCommand } from '../common/commands.ts';
import { chooseFolder } from '../common/folders.ts';
import { shown, withProgress } from '../common/progress.ts';
import type { ImageReports } from './image-reports.ts';

const REPLACE = 'Replace Sandbox';

/** The commands about images. What goes wrong is shown. */
export class ImageCommands {
  readonly #sessions: Sessions;
  readonly #reports: ImageReports;

  constructor(sessions: Sessions, reports: ImageReports) {
    this.#sessions = sessions;
    this.#reports = reports;
  }

  /** `modal.rebuildImage`: builds the image of the folder's profile anew, from its base on. Resolves with its id. */
  rebuild(): Promise<string | undefined> {
    return shown(async () => {
      const folder = await chooseFolder();
      const named = await this.#sessions.profile(folder);
      const { image } = await this.#sessions.image(folder, named, { force: true });
      const isRunning = this.#sessions.profilesOf(folder).includes(named.name);
      const message = `The image of the profile “${named.name}” is rebuilt.`;
      const old = isRunning ? ' Its sandbox still has the old one.' : '';
      void vscode.window.showInformationMessage(message + old, ...(isRunning ? [REPLACE] : [])).then((pressed) => {
        if (pressed === REPLACE) void executeCommand('modal.replaceSandbox');
      });
      return image.imageId;
    });
  }

  /** `modal.checkImage`: measures the image of the folder's profile in a sandbox, and shows a report. Resolves with it. */
  check(): Promise<ImageReport | undefined> {
    return shown(async () => {
      const folder = await chooseFolder();
      return withProgress('Checking the image…', async (signal) => {
        const named = await this.#sessions.profile(folder);
        const { client, app, account, image } = await this.#sessions.image(folder, named, { signal });
        const report = await checkImage(client, app, image, { signal });
        const heading = `Image of the profile “${named.name}” (${image.imageId})`;
        const note = account.isLocal ? ['', 'The userland of the local Modal is this machine’s own.'] : [];
        await this.#reports.show(named.name, [heading, '', ...reportLines(report), ...note].join('\n'));
        return report;
      });
    });
  }
}
