import assert from 'node:assert/strict';
import { strings as questions } from '../../src/providers/permissions/strings.ts';
import { strings } from '../../src/sandboxes/strings.ts';
import { waitForText } from '../helpers/elements.ts';
import { manifestText } from '../helpers/manifest.ts';
import { openWorkbench } from '../helpers/workbench.ts';
import { accountSettings, localAccount } from './local-account.ts';
import { picture } from './pictures.ts';

describe('A folder that asks for a lot', () => {
  localAccount();

  it('shows a notification when it is opened, one dialog when a file is run, and why nothing is kept warm', async () => {
    const workbench = await openWorkbench({ folder: 'test/fixtures/stranger', settings: accountSettings });
    await workbench.openFile('hello.sh');
    await workbench.waitForNotification(
      /Profile “everything” in “stranger” asks for your permission: Keep 10 sandboxes/,
    );
    await picture(workbench, 'permission-notification');
    await workbench.clickCodeLens('Run in Sandbox (everything)');
    const asked = await workbench.waitForDialog(/Allow profile “everything” in “stranger” to do the following\?/);
    for (const text of ['PLANTED_VARIABLE', 'about $316', '“production”', '“customer-data”', '“deploy.pem”'])
      assert.ok(asked.includes(text), `${text} in ${asked}`);
    await picture(workbench, 'permissions');
    await workbench.clickDialog(questions.dontAllow());
    await workbench.waitForTerminal(/Profile “everything” needs something that you didn't allow/);
    await workbench.openView('Modal');
    await workbench.runCommand(`Modal: Focus on ${manifestText('view.warmUps')} View`);
    const row = workbench.page.locator('.sidebar .monaco-list-row', { hasText: 'everything in stranger' }).first();
    await waitForText(row, new RegExp(`paused: ${strings.pausedUntilAllowed()}`));
    await picture(workbench, 'permissions-refused');
    await row.click();
    await workbench.pickRows('Use the secret “production” in your account').first().waitFor();
    await picture(workbench, 'permissions-review');
  });
});
