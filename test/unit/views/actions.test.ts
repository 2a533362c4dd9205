import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const MenuSchema = z.array(
  z.object({ command: z.string(), when: z.string().optional(), group: z.string().optional() }),
);
const ManifestSchema = z.object({
  contributes: z.object({
    commands: z.array(z.object({ command: z.string(), title: z.string().min(1), icon: z.string().optional() })),
    menus: z.object({ commandPalette: MenuSchema, 'view/title': MenuSchema, 'view/item/context': MenuSchema }),
  }),
});
const manifest = readFileSync(fileURLToPath(new URL('../../../package.json', import.meta.url)), 'utf8');
const { commands, menus } = ManifestSchema.parse(JSON.parse(manifest)).contributes;

const ofRows = menus['view/item/context'];
const isInline = ({ group }: { group?: string | undefined }) => group?.startsWith('inline') === true;
const titleOf = (id: string) => commands.find(({ command }) => command === id);

describe('Commands of the views', () => {
  it('gives every button an icon and a title', () => {
    const navigation = menus['view/title'].filter(({ group }) => group?.startsWith('navigation'));
    const buttons = [...ofRows.filter(isInline), ...navigation];
    assert.ok(buttons.length > 0);
    assert.deepEqual(
      buttons.map(({ command }) => command).filter((command) => !titleOf(command)?.icon),
      [],
    );
  });

  it("offers every button of a row in the row's context menu, which the keyboard opens", () => {
    const inMenu = (command: string) => ofRows.some((entry) => entry.command === command && !isInline(entry));
    assert.deepEqual(
      ofRows.filter((entry) => isInline(entry) && !inMenu(entry.command)).map(({ command }) => command),
      [],
    );
  });

  it('makes every command available by keyboard: in the palette, in a context menu, or by opening the row', () => {
    const hidden = new Set(menus.commandPalette.filter(({ when }) => when === 'false').map(({ command }) => command));
    const elsewhere = new Set(ofRows.filter((entry) => !isInline(entry)).map(({ command }) => command));
    // Code lenses run these.
    const lenses = ['modal.runTarget', 'modal.runFile', 'modal.runTest', 'modal.debugTarget', 'modal.debugFile'];
    assert.deepEqual(
      [...hidden].filter((command) => !elsewhere.has(command) && !lenses.includes(command)),
      [],
    );
  });
});
