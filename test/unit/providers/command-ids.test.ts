import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { COMMAND_IDS } from '../../../src/providers/common/command-ids.ts';

/** A command that is registered, run or given to a row by a string of any kind. */
const LOOSE_COMMAND =
  /commands\.(?:registerCommand\(|executeCommand\(\s*['"`](?:modal\.|setContext))|\btitle\b[^{}]*\bcommand: ['"`]modal\./;

describe('Command IDs and context keys', () => {
  const manifest = readFileSync('package.json', 'utf8');

  it('lists the same commands in the source and in package.json', () => {
    const commands: { command: string }[] = JSON.parse(manifest).contributes.commands;
    assert.deepEqual([...COMMAND_IDS].sort(), commands.map(({ command }) => command).sort());
  });

  it('lists every context key that package.json uses', () => {
    const declared = readFileSync('src/providers/common/context-keys.ts', 'utf8');
    const asked = [...manifest.matchAll(/"(?:when|enablement)": "([^"]+)"/g)].flatMap(
      ([, clause = '']) => clause.match(/(?<![=!]= )\bmodal\.\w+/g) ?? [],
    );
    assert.ok(asked.length > 0);
    for (const key of new Set(asked)) assert.ok(declared.includes(`'${key}'`), `${key} is not in context-keys.ts`);
  });

  it('uses commands and context keys only by way of the typed lists', () => {
    const loose = globSync('src/{providers,views}/**/*.ts').filter(
      (path) => !path.startsWith('src/providers/common/') && LOOSE_COMMAND.test(readFileSync(path, 'utf8')),
    );
    assert.deepEqual(loose, []);
  });
});
