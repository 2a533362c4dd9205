import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../../scripts/paths.ts';
import { configureLocalization } from '../../../src/base/localization.ts';

type Strings = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** Returns a string with `value` for each of its parameters; undefined if it takes other ones. */
function textWith(text: Strings[string], value: unknown): string | undefined {
  try {
    const shown = text(...Array.from({ length: text.length }, () => value));
    return typeof shown === 'string' ? shown : undefined;
  } catch {
    return undefined;
  }
}

describe('Strings', () => {
  const bundle = JSON.parse(readFileSync(join(projectFolder, 'l10n/bundle.l10n.json'), 'utf8')) as Record<
    string,
    string
  >;

  afterEach(() => configureLocalization({}));

  it('shows every string in the language of a translation bundle', async () => {
    const translated = Object.fromEntries(Object.entries(bundle).map(([key, text]) => [key, `‹${text}›`]));
    configureLocalization(translated);
    const untranslated: string[] = [];
    for (const path of globSync('src/**/strings.ts', { cwd: projectFolder }).sort()) {
      const { strings } = (await import(join(projectFolder, path))) as { strings: Strings };
      for (const [name, text] of Object.entries(strings)) {
        for (const value of [1, 2, 'exited']) {
          const shown = textWith(text, value);
          if (shown !== undefined && !shown.includes('‹')) untranslated.push(`${path} ${name}: ${shown}`);
        }
      }
    }
    assert.deepEqual(untranslated, []);
  });
});
