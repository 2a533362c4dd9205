/**
 * Writes the files that are derived from the source: `npm run generate`. A test fails while one of them is out of date.
 *
 * - `package.json`: the schema of `modal.profiles`, languages in `when` clauses and activation events, and the commands that
 *   the palette hides
 * - `package.nls.json`: the texts of that schema
 * - `l10n/bundle.l10n.json`: every string of the source, for translators
 * - `media/modal.schema.json` and the table in `docs/profiles.md`
 * - `docs/house.svg`: which folders import which
 * - `docs/third-party.md`: the packages that the bundles contain, which `scripts/checks/third-party.ts` checks
 */
import { globSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { getL10nJson } from '@vscode/l10n-dev';
import { type JsonSchema, modalFileJsonSchema, profileJsonSchema } from '../src/profiles/json-schema.ts';
import { ROW_COMMAND_IDS } from '../src/providers/common/command-ids.ts';
import { RUNNABLE_LANGUAGES } from '../src/run/runners.ts';
import { SELECTION_LANGUAGES } from '../src/run/selection/interpreters.ts';
import { drawHouse } from './draw-house.ts';
import { THIRD_PARTY_DOCUMENT, thirdPartyDocument, thirdPartyPackages } from './third-party.ts';

const TABLE = /(<!-- keys -->\n)[\s\S]*(<!-- \/keys -->)/;

/** Languages whose files have lenses on parts of them, but can't be run as a whole. */
const LENS_LANGUAGES = ['json', 'jsonc', 'makefile', 'just'];

/** Prefix of the generated keys in `package.nls.json`. */
const PROFILE_KEYS = 'profile.';

interface MenuItem {
  readonly command: string;
  readonly when?: string;
}

/** Returns the content of each generated file by path, based on the current one. */
export async function generated(): Promise<Record<string, string>> {
  const texts = JSON.parse(await readFile('package.nls.json', 'utf8')) as Record<string, string>;
  const byHand = Object.entries(texts).filter(([key]) => !key.startsWith(PROFILE_KEYS));
  const { schema, texts: profileTexts } = withKeys(profileJsonSchema());
  const docs = await readFile('docs/profiles.md', 'utf8');
  return {
    'package.json': json(await manifest(schema)),
    'package.nls.json': json({ ...Object.fromEntries(byHand), ...profileTexts }),
    'l10n/bundle.l10n.json': json(await sourceStrings()),
    'docs/house.svg': await drawHouse(),
    'media/modal.schema.json': json(modalFileJsonSchema()),
    'docs/profiles.md': docs.replace(TABLE, (_, start, end) => `${start}${table(profileJsonSchema())}\n${end}`),
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Returns `package.json` with its derived parts updated. Everything else is kept. */
async function manifest(profileSchema: JsonSchema): Promise<object> {
  const own = JSON.parse(await readFile('package.json', 'utf8'), (_, value) =>
    typeof value === 'string' ? withLanguages(value) : value,
  );
  own.activationEvents = [
    ...own.activationEvents.filter((event: string) => !event.startsWith('onLanguage:')),
    ...[...RUNNABLE_LANGUAGES, ...LENS_LANGUAGES].map((language) => `onLanguage:${language}`),
  ];
  const { menus, configuration } = own.contributes;
  configuration.properties['modal.profiles'].additionalProperties = profileSchema;
  menus.commandPalette = [
    ...menus.commandPalette.filter(({ when }: MenuItem) => when !== 'false'),
    ...ROW_COMMAND_IDS.map((command) => ({ command, when: 'false' })),
  ];
  return own;
}

/** Fills in the languages that a `when` clause lists. */
function withLanguages(clause: string): string {
  return clause
    .replace(/(?<=\bresourceLangId =~ )\/\^\([^)]*\)\$\//, `/^(${RUNNABLE_LANGUAGES.join('|')})$/`)
    .replace(/(?<=\beditorLangId =~ )\/\^\([^)]*\)\$\//, `/^(${SELECTION_LANGUAGES.join('|')})$/`);
}

/** Replaces each description by a key of `package.nls.json`, and returns the texts by key. */
function withKeys(root: JsonSchema): { schema: JsonSchema; texts: Record<string, string> } {
  const texts: Record<string, string> = {};
  const visit = (value: unknown, path: string): unknown => {
    if (Array.isArray(value)) return value.map((each, index) => visit(each, `${path}${index}.`));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => {
        if (!/^(?:description|markdownDescription)$/.test(key) || typeof each !== 'string')
          return [
            key,
            visit(each, /^(?:properties|additionalProperties|items|anyOf)$/.test(key) ? path : `${path}${key}.`),
          ];
        const name = `${PROFILE_KEYS}${path}description`;
        texts[name] = each;
        return [key, `%${name}%`];
      }),
    );
  };
  return { schema: visit(root, '') as JsonSchema, texts };
}

/** Returns the English strings of the source, in the format of VS Code's translation files. */
async function sourceStrings(): Promise<object> {
  const files = await Promise.all(
    globSync('src/**/strings.ts')
      .sort()
      .map(async (path) => ({ extension: '.ts', contents: await readFile(path, 'utf8') })),
  );
  const strings = await getL10nJson(files);
  return Object.fromEntries(Object.entries(strings).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function table(schema: JsonSchema): string {
  const rows = rowsOf('', schema).map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  return ['| Key | Type | Default | Description | Example |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

function rowsOf(prefix: string, schema: JsonSchema): string[][] {
  return Object.entries(propertiesOf(schema)).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    return [
      [code(path), typeOf(value), cell(value.default), value.description ?? '', exampleOf(value)],
      ...rowsOf(`${path}.`, value),
    ];
  });
}

function propertiesOf(schema: JsonSchema): Record<string, JsonSchema> {
  const inner = [schema, ...(schema.anyOf ?? [])].map(({ items, additionalProperties, ...own }) => {
    const below = [items, additionalProperties].filter((each) => typeof each === 'object');
    return Object.assign({}, own.properties, ...below.map(propertiesOf));
  });
  return Object.assign({}, ...inner);
}

function typeOf({ type, anyOf, items, additionalProperties, enum: values }: JsonSchema): string {
  if (values) return values.map((value) => code(JSON.stringify(value))).join(', ');
  if (anyOf) return [...new Set(anyOf.map(typeOf))].join(' or ');
  if (type === 'array') return `list of ${items ? typeOf(items) : 'anything'}`;
  if (type === 'object' && typeof additionalProperties === 'object') return `object of ${typeOf(additionalProperties)}`;
  return type === undefined ? 'anything' : [type].flat().join(' or ');
}

function exampleOf({ examples, enum: values }: JsonSchema): string {
  return cell(examples?.[0] ?? values?.[0]);
}

function cell(value: unknown): string {
  return value === undefined ? '' : code(JSON.stringify(value));
}

function code(text: string): string {
  return `\`${text}\``;
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await generated())) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  await writeFile(THIRD_PARTY_DOCUMENT, thirdPartyDocument(await thirdPartyPackages()));
}
