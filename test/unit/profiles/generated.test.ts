import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { generated } from '../../../scripts/generate.ts';
import { type JsonSchema, profileJsonSchema } from '../../../src/profiles/json-schema.ts';

describe('Generated files', () => {
  it('has generated files that are up to date (npm run generate)', async () => {
    for (const [path, text] of Object.entries(await generated())) {
      const now = readFileSync(path, 'utf8');
      if (path.endsWith('.json')) assert.deepEqual(JSON.parse(now), JSON.parse(text), `${path} is out of date`);
      else assert.equal(now, text, `${path} is out of date`);
    }
  });

  it('describes every key of a profile', () => {
    const wordless = (schema: JsonSchema): string[] =>
      Object.entries(schema.properties ?? {}).flatMap(([key, value]) => [
        ...(value.description ? [] : [key]),
        ...[value, ...(value.anyOf ?? [])].flatMap(wordless).map((inner) => `${key}.${inner}`),
      ]);
    assert.deepEqual(wordless(profileJsonSchema()), []);
  });

  it('adds a Markdown description to text that contains code', () => {
    const { gpu, cpu } = profileJsonSchema().properties ?? {};
    assert.match(gpu?.markdownDescription ?? '', /`H100:2`/);
    assert.equal(cpu?.markdownDescription, undefined);
  });
});
