/** Writes what is made from the profiles' zod schema: `npm run generate`. A test fails while one of them is out of date. */
import { readFile, writeFile } from 'node:fs/promises';
import { type JsonSchema, modalFileJsonSchema, profileJsonSchema } from '../src/profiles/json-schema.ts';

const TABLE = /(<!-- keys -->\n)[\s\S]*(<!-- \/keys -->)/;

/** Each generated file with its content, made from what it holds now. */
export async function generated(): Promise<Record<string, string>> {
  const manifest = JSON.parse(await readFile('package.json', 'utf8'));
  manifest.contributes.configuration.properties['modal.profiles'].additionalProperties = profileJsonSchema();
  const docs = await readFile('docs/profiles.md', 'utf8');
  return {
    'package.json': `${JSON.stringify(manifest, undefined, 2)}\n`,
    'media/modal.schema.json': `${JSON.stringify(modalFileJsonSchema(), undefined, 2)}\n`,
    'docs/profiles.md': docs.replace(TABLE, (_, start, end) => `${start}${table(profileJsonSchema())}\n${end}`),
  };
}

function table(schema: JsonSchema): string {
  const rows = rowsOf('', schema).map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  return ['| Key | Type | Default | What it says | Example |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
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
  return String(type ?? 'anything');
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

if (import.meta.main) for (const [path, text] of Object.entries(await generated())) await writeFile(path, text);
