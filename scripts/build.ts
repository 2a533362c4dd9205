/**
 * Builds the bundles of the package. `--tests` adds the tests that VS Code loads, `--watch` rebuilds on changes, and
 * `--production` minifies and writes the third-party notices.
 */
import { globSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type BuildOptions, build, context, type OutputFile } from 'esbuild';
import { common, packagedBundles, publicTypes } from './bundles.ts';
import { projectFolder } from './paths.ts';
import { writeNotices } from './third-party.ts';

const production = process.argv.includes('--production');
const withTests = process.argv.includes('--tests');

/** The 'tests' that VS Code loads in its extension host. They aren't part of the package. */
const testEntries: BuildOptions = {
  ...common,
  outdir: 'dist/test',
  outbase: 'test',
  entryPoints: integrationTests(),
};

const bundles = [...packagedBundles, ...(withTests ? [testEntries] : [])].map((options) => ({
  ...options,
  sourcemap: !production,
  minify: production,
}));
if (process.argv.includes('--watch')) {
  const contexts = await Promise.all(bundles.map((options) => context(options)));
  await Promise.all(contexts.map((each) => each.watch()));
} else {
  const built = await Promise.all(bundles.map((options) => build({ ...options, write: false })));
  await Promise.all(built.flatMap(({ outputFiles }) => outputFiles).map(writeIfChanged));
}
await writeIfChanged({ path: join(projectFolder, 'dist', 'service.d.ts'), contents: Buffer.from(await publicTypes()) });
if (production) await writeNotices();

function integrationTests(): { in: string; out: string }[] {
  const tests = globSync('test/integration/**/*.test.ts');
  return [
    { in: 'test/integration/runner.ts', out: 'integration-runner' },
    ...tests.map((path) => ({ in: path, out: path.slice('test/'.length, -'.ts'.length) })),
  ];
}

/** Never leaves part of a file for a VS Code that another process has started. */
async function writeIfChanged({ path, contents }: Pick<OutputFile, 'path' | 'contents'>): Promise<void> {
  const existing = await readFile(path).catch(() => undefined);
  if (existing?.equals(contents)) return;
  const unfinished = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(unfinished, contents);
  await rename(unfinished, path);
}
