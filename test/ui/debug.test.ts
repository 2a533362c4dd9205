import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { strings as runStrings } from '../../src/providers/run/strings.ts';
import { openWorkbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

const PROGRAM = `const cities = ['Lima', 'Oslo'];
const longest = Math.max(...cities.map(({ length }) => length));
debugger;
console.log(longest);
`;

describe('A debug session in a sandbox', () => {
  it('shows where the program has stopped, and ends after the limit of the profile, with a warning before', async () => {
    const workbench = await openWorkbench();
    const profiles = { short: { debugIdleTimeoutMs: 20_000 } };
    mkdirSync(join(workbench.folder, '.vscode'));
    writeFileSync(join(workbench.folder, '.vscode', 'modal.json'), JSON.stringify({ default: 'short', profiles }));
    writeFileSync(join(workbench.folder, 'cities.js'), PROGRAM);
    await workbench.openFile('cities.js');
    await workbench.clickCodeLens(runStrings.debugLens());
    const { page } = workbench;
    await page.locator('.debug-top-stack-frame-line').first().waitFor();
    await workbench.waitForNotification(
      /^“cities\.js” has been stopped for long\. Its debug session ends in 10\.0 s\.$/,
    );
    await picture(workbench, 'debug-stopped');
    await page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
    await workbench.waitForNotification(/^The debug session of “cities\.js” has ended, .* did nothing for 20\.0 s\.$/);
    await picture(workbench, 'debug-ended');
  });
});
