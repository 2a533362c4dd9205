import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parseSettings, SettingsSchema } from '../../../src/service/settings-schema.ts';
import { strings } from '../../../src/service/strings.ts';

interface Manifest {
  contributes: { configuration: { properties: Record<string, { default: unknown }> } };
}

function flatten(prefix: string, value: unknown): Record<string, unknown> {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  if (!isGroup) return { [prefix]: value };
  return Object.assign({}, ...Object.entries(value).map(([key, each]) => flatten(`${prefix}.${key}`, each)));
}

describe('Settings', () => {
  it('defines the same settings and defaults in package.json and in the schema', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
    const declared: Record<string, unknown> = {};
    for (const [key, property] of Object.entries(manifest.contributes.configuration.properties))
      declared[key] = property.default;
    assert.deepEqual(declared, flatten('modal', SettingsSchema.parse({})));
  });

  it("reports which setting isn't valid and what it must be", () => {
    assert.throws(() => parseSettings({ account: 'cloud' }), { message: strings.invalidAccountSetting() });
    assert.throws(() => parseSettings({ app: 'a b' }), { message: strings.invalidAppSetting() });
    assert.throws(() => parseSettings({ runners: 3 }), /The modal\.runners setting isn't valid/);
  });
});
