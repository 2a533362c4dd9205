import assert from 'node:assert/strict';
import { strings } from '../../src/providers/run/strings.ts';
import { waitForStillBox, waitForTextColor } from '../helpers/elements.ts';
import { openWorkbench, sharedWorkbench, type Workbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

const folder = 'test/fixtures/terminal';

async function run(workbench: Workbench, file: string): Promise<Workbench> {
  await workbench.openFile(file);
  await workbench.clickCodeLens('Run in Sandbox');
  return workbench;
}

describe('The terminal of a run', () => {
  const shared = sharedWorkbench({ folder });
  const start = async (file: string) => run(await shared(), file);

  for (const focus of [false, true]) {
    it(`${focus ? 'takes' : "doesn't take"} the focus from the editor if the setting is ${focus}`, async () => {
      const workbench = await run(
        await openWorkbench({ folder, settings: { 'modal.terminal.focus': focus } }),
        'colors.py',
      );
      await workbench.waitForTerminal(/Exited with code 0/);
      await workbench.page
        .locator(focus ? '.terminal-wrapper.active .xterm' : '.editor-instance')
        .filter({ has: workbench.page.locator('*:focus') })
        .waitFor();
    });
  }

  it('shows colors and characters as the program writes them', async () => {
    const workbench = await start('colors.py');
    assert.match(await workbench.waitForTerminal(/Exited with code 0/), /^red blue ünï ✓$/m);
    const word = workbench.page.locator('.terminal-wrapper.active .xterm-rows span', { hasText: 'red' });
    await waitForTextColor('red to be red', word, (red, green, blue) => red > 2 * green && red > 2 * blue);
    await picture(workbench, 'colors');
  });

  it('passes Ctrl+C to the program', async () => {
    const workbench = await start('wait.py');
    await workbench.waitForTerminal(/^waiting$/m);
    await workbench.focusTerminal();
    await workbench.page.keyboard.press('Control+C');
    const text = await workbench.waitForTerminal(/Exited with code/);
    assert.match(text, /KeyboardInterrupt[\s\S]*Exited with code (1|130)/);
  });

  it("stops a flood of output on Ctrl+C, and shows the program's last output", async () => {
    const workbench = await start('flood.sh');
    await workbench.waitForTerminal(/^\d{5,}$/m);
    await workbench.focusTerminal();
    await workbench.page.keyboard.press('Control+C');
    const text = await workbench.waitForTerminal(/Exited with code 130/);
    assert.match(text, /stopped by Ctrl\+C/);
  });

  it('follows the size of its panel', async () => {
    const workbench = await start('size.sh');
    const columnsOf = (text: string) => [...text.matchAll(/^\d+ (\d+)$/gm)].map(([, columns]) => Number(columns));
    const [first = 0] = columnsOf(await workbench.waitForTerminal(/^\d+ \d+$/m));
    const size = workbench.page.viewportSize();
    await workbench.page.setViewportSize({ width: 900, height: 700 });
    // The panel may be resized in steps.
    await workbench.waitForTerminal((text) => (columnsOf(text).at(-1) ?? first) < first);
    if (size) await workbench.page.setViewportSize(size);
  });

  it('shows a full-screen program, which receives single keys', async () => {
    const workbench = await start('full-screen.sh');
    await workbench.waitForTerminal(/full screen, press q/);
    await picture(workbench, 'full-screen');
    await workbench.focusTerminal();
    await workbench.page.keyboard.press('q');
    const text = await workbench.waitForTerminal(/Exited with code 0/);
    assert.match(text, /left with q/);
    assert.doesNotMatch(text, /full screen/, 'the screen from before is back');
  });

  it('opens the local file at its line on a Ctrl+click on a sandbox path', async () => {
    const workbench = await start('traceback.py');
    await workbench.waitForTerminal(/ZeroDivisionError[\s\S]*Exited with code 1/);
    await workbench.page.locator('.editor-instance .view-line').first().click();
    const path = '"/workspace/traceback.py", line 4';
    const row = workbench.page.locator('.terminal-wrapper.active .xterm-rows > div', { hasText: path }).first();
    const { mouse, keyboard } = workbench.page;
    let at = { x: 0, y: 0 };
    // The terminal requests links when the mouse is over a line.
    await workbench.gesture(
      'the mouse over the path',
      async () => {
        const { x, y, height } = await waitForStillBox(row, path);
        at = { x: x + 40, y: y + height / 2 };
        await mouse.move(at.x - 20, at.y);
        await mouse.move(at.x, at.y);
      },
      workbench.page.locator('.workbench-hover, .xterm-hover', { hasText: strings.openLocalFile() }),
    );
    await keyboard.down('Control');
    await mouse.click(at.x, at.y);
    await keyboard.up('Control');
    await workbench.page.locator('.statusbar-item', { hasText: 'Ln 4, Col 1' }).waitFor();
    await picture(workbench, 'terminal-link');
  });
});
