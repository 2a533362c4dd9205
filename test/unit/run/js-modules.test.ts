import assert from 'node:assert/strict';
import { withoutModuleSyntax } from '../../../src/run/selection/js-modules.ts';

describe('withoutModuleSyntax', () => {
  for (const [code, expected] of [
    ["import 'side';", 'void await modalImport("side");'],
    ["import a from 'm'", 'const { default: a } = await modalImport("m")'],
    ["import * as all from 'm'", 'const all = await modalImport("m")'],
    ["import a, * as all from 'm'", 'const all = await modalImport("m"), { default: a } = all'],
    ["import a, { b as c, type T, d } from 'm'", 'const { default: a, b: c, d } = await modalImport("m")'],
    ["import {\n  a,\n  b,\n} from 'm'\nrest", 'const { a, b } = await modalImport("m")\n\n\n\nrest'],
    ["import {} from 'm'", 'void await modalImport("m")'],
    ["import type { T } from 't'", "import type { T } from 't'"],
    ["x = import('m')", "x = modalImport('m')"],
    ['import.meta.url', 'modalImportMeta().url'],
    ['export const a = 1, exporter = 2', '       const a = 1, exporter = 2'],
    ['export default function f() {}', '               function f() {}'],
    ['const a = 1\nexport { a, b as c };', `const a = 1\n${' '.repeat(20)};`],
    ["export { a } from 'm'; export * from 'n'", `${' '.repeat(21)}; ${' '.repeat(17)}`],
    ["const s = \"import x from 'm'\" // import('m')", "const s = \"import x from 'm'\" // import('m')"],
    ['import {', 'import {'],
  ] as const)
    it(`turns ${JSON.stringify(code)} into ${JSON.stringify(expected)}`, () => {
      assert.equal(withoutModuleSyntax(code), expected);
    });
});
