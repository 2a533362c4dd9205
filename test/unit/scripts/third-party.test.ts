import assert from 'node:assert/strict';
import { licenseProblems } from '../../../scripts/third-party.ts';

describe('The license check', () => {
  const bundled = (license: string, text = 'The text') =>
    licenseProblems([{ name: 'x', version: '1.0.0', license, text }]);

  it('accepts packages whose licenses allow shipping them with their text', () => {
    for (const license of ['MIT', 'Apache-2.0', '(Apache-2.0 AND BSD-3-Clause)'])
      assert.deepEqual(bundled(license), []);
  });

  it('names a package with another license, or with none', () => {
    for (const license of ['GPL-3.0-only', 'MIT AND GPL-3.0-only', 'unknown', 'UNLICENSED'])
      assert.match(
        bundled(license).join(),
        /^x \(1\.0\.0\) has the license “(GPL-3\.0-only|unknown|UNLICENSED)”, which/,
      );
  });

  it('names a package without a license text', () => {
    assert.match(bundled('MIT', '\n').join(), /^x \(1\.0\.0\) has no license text\./);
  });
});
