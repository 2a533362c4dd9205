import { checkImage, type ImageReport, reportLines } from '../../images/check.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { executeCommand } from '../common/commands.ts';
import { chooseFolder } from '../common/folders.ts';
import { withProgress } from '../common/progress.ts';
import { shown } from '../common/report.ts';
import { window } from '../common/window.ts';
import type { ImageReports } from './image-reports.ts';
import { strings } from './strings.ts';

/** The commands on images. Errors are shown. */
export class ImageCommands {
  readonly #sessions: Sessions;
  readonly #reports: ImageReports;

  constructor(sessions: Sessions, reports: ImageReports) {
    this.#sessions = sessions;
    this.#reports = reports;
  }

  /** `modal.rebuildImage`: rebuilds the image for the current profile from its base. Resolves with its ID. */
  rebuild(): Promise<string | undefined> {
    return shown(async () => {
      const folder = await chooseFolder();
      const named = await this.#sessions.profile(folder);
      const { image } = await this.#sessions.image(folder, named, { force: true });
      const isRunning = this.#sessions.profilesOf(folder).includes(named.name);
      const message = isRunning ? strings.rebuiltWhileRunning(named.name) : strings.rebuilt(named.name);
      const actions = isRunning ? [strings.replaceSandbox()] : [];
      void window.showInformationMessage(message, ...actions).then((pressed) => {
        if (pressed) void executeCommand('modal.replaceSandbox');
      });
      return image.imageId;
    });
  }

  /** `modal.checkImage`: measures the image for the current profile in a sandbox, and shows a report. Resolves with it. */
  check(): Promise<ImageReport | undefined> {
    return shown(async () => {
      const folder = await chooseFolder();
      return withProgress(strings.checking(), async (signal) => {
        const named = await this.#sessions.profile(folder);
        const { client, app, account, image } = await this.#sessions.image(folder, named, { signal });
        const report = await checkImage(client, app, image, { signal });
        const heading = strings.reportHeading(named.name, image.imageId);
        const note = account.isLocal ? ['', strings.localModalNote()] : [];
        await this.#reports.show(named.name, [heading, '', ...reportLines(report), ...note].join('\n'));
        return report;
      });
    });
  }
}
