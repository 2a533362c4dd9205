/**
 * Builds all bundles: those of the package, and the test entry points that VS Code loads. `--watch` rebuilds on changes, and
 * `--production` minifies and writes the third-party notices.
 */
import { globSync } from 'node:fs';
import { type BuildOptions, context } from 'esbuild';
import { common, packagedBundles } from './bundles.ts';
import { writeNotices } from './third-party.ts';

const production = process.argv.includes('--production');

/** The 'tests' that VS Code loads in its extension host. They aren't part of the package. */
const testEntries: BuildOptions = {
  ...common,
  outdir: 'dist/test',
  outbase: 'test',
  entryPoints: [
    { in: 'scripts/vscode/run-file.entry.ts', out: 'run-file' },
    { in: 'test/integration/runner.ts', out: 'integration-runner' },
    ...globSync('test/integration/**/*.test.ts').map((path) => ({
      in: path,
      out: path.slice('test/'.length, -'.ts'.length),
    })),
  ],
};

const bundles = [...packagedBundles, testEntries].map((options) => ({
  ...options,
  sourcemap: !production,
  minify: production,
}));
const contexts = await Promise.all(bundles.map((options) => context(options)));
await Promise.all(contexts.map((each) => each.rebuild()));
if (production) await writeNotices();
if (process.argv.includes('--watch')) await Promise.all(contexts.map((each) => each.watch()));
else await Promise.all(contexts.map((each) => each.dispose()));
