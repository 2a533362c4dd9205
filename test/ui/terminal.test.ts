/// <reference lib="dom" />
import assert from 'node:assert/strict';
import { strings } from '../../src/providers/run/strings.ts';
import { openWorkbench, type Workbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

async function start(file: string, settings = {}): Promise<Workbench> {
  const workbench = await openWorkbench({ folder: 'test/fixtures/terminal', settings });
  await workbench.openFile(file);
  await workbench.clickCodeLens('Run in Sandbox');
  return workbench;
}

/** Puts the keyboard into the terminal. */
async function focusTerminal({ page }: Workbench): Promise<void> {
  await page.locator('.terminal-wrapper.active .xterm-screen').click();
}

describe('the terminal of a run', () => {
  for (const focus of [false, true]) {
    it(`${focus ? 'takes' : 'does not take'} the focus from the editor when the setting says ${focus}`, async () => {
      const workbench = await start('colours.py', { 'modal.terminal.focus': focus });
      await workbench.waitForTerminal(/Exited with code 0/);
      const focused = await workbench.page
        .locator('*:focus')
        .first()
        .evaluate((element) => element.closest('.editor-instance, .xterm')?.className ?? '');
      assert.match(focused, focus ? /xterm/ : /editor-instance/);
    });
  }

  it('shows colours and characters as the program writes them', async () => {
    const workbench = await start('colours.py');
    assert.match(await workbench.waitForTerminal(/Exited with code 0/), /^red blue ünï ✓$/m);
    const colourOf = (text: string) =>
      workbench.page
        .locator('.terminal-wrapper.active .xterm-rows span', { hasText: text })
        .last()
        .evaluate((element) => getComputedStyle(element).color);
    const [, red = 0, green = 0, blue = 0] = (/(\d+), (\d+), (\d+)/.exec(await colourOf('red')) ?? []).map(Number);
    assert.ok(red > 2 * green && red > 2 * blue, `red is red: ${red}, ${green}, ${blue}`);
    await picture(workbench, 'colours');
  });

  it('gives Ctrl+C to the program', async () => {
    const workbench = await start('wait.py');
    await workbench.waitForTerminal(/^waiting$/m);
    await focusTerminal(workbench);
    await workbench.page.keyboard.press('Control+C');
    const text = await workbench.waitForTerminal(/Exited with code/);
    assert.match(text, /KeyboardInterrupt[\s\S]*Exited with code (1|130)/);
  });

  it('stops a flood of output with Ctrl+C, and shows the program’s last words', async () => {
    const workbench = await start('flood.sh');
    await workbench.waitForTerminal(/^\d{5,}$/m);
    await focusTerminal(workbench);
    await workbench.page.keyboard.press('Control+C');
    const text = await workbench.waitForTerminal(/Exited with code 130/, 20_000);
    assert.match(text, /stopped by Ctrl\+C/);
  });

  it('has the size of its panel, also when that changes', async () => {
    const workbench = await start('size.sh');
    const before = await workbench.waitForTerminal(/^\d+ \d+$/m);
    await workbench.page.setViewportSize({ width: 900, height: 700 });
    const after = await workbench.waitForTerminal(/^\d+ \d+\n\d+ \d+$/m);
    const [first, ...later] = [...after.matchAll(/^(\d+) (\d+)$/gm)].map(([size]) => size);
    assert.ok(before.includes(first ?? 'no size'));
    assert.notEqual(later.at(-1), first);
    const columns = Number(later.at(-1)?.split(' ')[1]);
    assert.ok(columns < Number(first?.split(' ')[1]), 'a narrower window has fewer columns');
  });

  it('holds a full-screen program, which gets single keys', async () => {
    const workbench = await start('full-screen.sh');
    await workbench.waitForTerminal(/full screen, press q/);
    await picture(workbench, 'full-screen');
    await focusTerminal(workbench);
    await workbench.page.keyboard.press('q');
    const text = await workbench.waitForTerminal(/Exited with code 0/);
    assert.match(text, /left with q/);
    assert.doesNotMatch(text, /full screen/, 'the screen from before is back');
  });

  it('opens the local file at its line on a Ctrl+click on a path of the sandbox', async () => {
    const workbench = await openWorkbench({ folder: 'test/fixtures/terminal' });
    await workbench.openFile('traceback.py');
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.waitForTerminal(/ZeroDivisionError[\s\S]*Exited with code 1/);
    await workbench.page.locator('.editor-instance .view-line').first().click();
    const path = '"/workspace/traceback.py", line 4';
    const row = workbench.page.locator('.terminal-wrapper.active .xterm-rows > div', { hasText: path }).first();
    const box = await row.boundingBox();
    assert.ok(box);
    const at = ((await row.textContent()) ?? '').indexOf(path) + 5;
    const x = box.x + at * (await characterWidth(workbench));
    const y = box.y + box.height / 2;
    await workbench.page.mouse.move(x - 20, y);
    await workbench.page.mouse.move(x, y);
    // The terminal asks for links when the mouse is over a line.
    await workbench.page.locator('.workbench-hover, .xterm-hover', { hasText: strings.openLocalFile() }).waitFor();
    await workbench.page.keyboard.down('Control');
    await workbench.page.mouse.click(x, y);
    await workbench.page.keyboard.up('Control');
    await workbench.page.locator('.statusbar-item', { hasText: 'Ln 4, Col 1' }).waitFor();
    await picture(workbench, 'terminal-link');
  });
});

/** In pixels, in the visible terminal. */
function characterWidth({ page }: Workbench): Promise<number> {
  const text = page.locator('.terminal-wrapper.active .xterm-rows span').first();
  return text.evaluate((span) => span.getBoundingClientRect().width / (span.textContent?.length ?? 1));
}
