import { openWorkbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

describe('the walkthrough', () => {
  it('is opened from the empty view, and a step is done when what it asks for has happened', async () => {
    const workbench = await openWorkbench({ settings: { 'modal.account': '' }, width: 1600 });
    const { page } = workbench;
    const step = (title: string) => page.locator('.getting-started-step', { hasText: title });
    await workbench.openView('Modal');
    await page.locator('.welcome-view').getByText('Get started').click();
    await step('Choose where sandboxes run').getByText('Use the Local Modal').waitFor();
    // The picture is a frame of its own.
    await page.locator('iframe.webview').first().waitFor();
    await picture(workbench, 'walkthrough');
    await step('Choose where sandboxes run').getByText('Use the Local Modal').click();
    await step('Choose where sandboxes run').locator('.codicon.complete').waitFor();
    await step('Run a file').click();
    await step('Run a file').getByRole('button', { name: 'Run Active File in Sandbox' }).waitFor();
  });
});
