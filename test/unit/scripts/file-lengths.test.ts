import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../../scripts/paths.ts';

const MAX_LINES = 350;
const SAYS_WHY = /Longer[\s*]+than[\s*]+other[\s*]+files,[\s*]+because/;

describe('A file of src', () => {
  it(`has at most ${MAX_LINES} lines, or says why it's longer`, () => {
    const long = globSync('src/**/*.ts', { cwd: projectFolder }).filter((path) => {
      const text = readFileSync(join(projectFolder, path), 'utf8');
      return text.trimEnd().split('\n').length > MAX_LINES && !SAYS_WHY.test(text);
    });
    assert.deepEqual(long, []);
  });
});
