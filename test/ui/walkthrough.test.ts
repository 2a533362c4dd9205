import { commandTitle, manifestText } from '../helpers/manifest.ts';
import { openWorkbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

describe('The walkthrough', () => {
  it('opens from the empty view, and completes a step once its action is done', async () => {
    const workbench = await openWorkbench({ settings: { 'modal.account': '' }, width: 1600 });
    const { page } = workbench;
    const step = (title: string) => page.locator('.getting-started-step', { hasText: title });
    await workbench.openView('Modal');
    await page.locator('.welcome-view').getByText('Get started').click();
    await step(manifestText('walkthrough.account.title')).getByText(commandTitle('modal.useLocalModal')).waitFor();
    // The image is in a separate frame.
    await page.locator('iframe.webview').first().waitFor();
    await picture(workbench, 'walkthrough');
    await step(manifestText('walkthrough.account.title')).getByText(commandTitle('modal.useLocalModal')).click();
    await step(manifestText('walkthrough.account.title')).locator('.codicon.complete').waitFor();
    await step(manifestText('walkthrough.run.title')).click();
    await step(manifestText('walkthrough.run.title'))
      .getByRole('button', { name: commandTitle('modal.runActiveFile') })
      .waitFor();
  });
});
