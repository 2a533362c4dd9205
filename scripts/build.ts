/**
 * Builds everything that runs outside of plain Node: the extension, the Modal SDK beside it (so that it can be loaded
 * late), the local Modal, and the test entries that VS Code loads. `--watch` rebuilds on change, `--production` minifies.
 */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type BuildOptions, context, type Plugin } from 'esbuild';

const production = process.argv.includes('--production');

/** zod's messages in fifty languages are more than half of it, and each start would read them. */
const zodInEnglish: Plugin = {
  name: 'zod-in-english',
  setup(build) {
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: `export { default as en } from './en.js';`,
    }));
  },
};

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  sourcemap: !production,
  minify: production,
  logLevel: 'warning',
  // The sync engine asks for `import.meta` only where it is not bundled.
  logOverride: { 'empty-import-meta': 'silent' },
  // VS Code supplies `vscode`; mocha stays a plain package, as its interface is found by file.
  external: ['vscode', 'mocha'],
  // jsonc-parser's main file loads its parts in a way that a bundle cannot hold; its ES module can be bundled.
  mainFields: ['module', 'main'],
  // zod asks for it; VS Code's extension host logs an error for whoever does.
  define: { navigator: 'undefined' },
  plugins: [zodInEnglish],
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
};

/** `import('./sdk.ts')` in the extension becomes a file of its own, so that activation never parses the SDK. */
const sdkBesideTheExtension: Plugin = {
  name: 'sdk-beside-the-extension',
  setup(build) {
    build.onResolve({ filter: /^(modal|nice-grpc|\.\/sdk\.ts)$/ }, ({ kind, path }) =>
      kind === 'dynamic-import' && path === './sdk.ts'
        ? { path: './modal-sdk.cjs', external: true }
        : { errors: [{ text: 'Load the SDK with `await import("./sdk.ts")`: activation must not pay for it.' }] },
    );
  },
};

/** The SDK carries the codecs of Modal's services but does not export their definitions; this module does. */
const wireDefinitions: Plugin = {
  name: 'wire-definitions',
  setup(build) {
    const names = ['ModalClientDefinition', 'TaskCommandRouterDefinition'];
    build.onLoad({ filter: /[\\/]modal[\\/]dist[\\/]index\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const missing = names.filter((name) => !source.includes(`var ${name} = `));
      if (missing.length > 0) return { errors: [{ text: `modal's bundle no longer defines ${missing.join(', ')}` }] };
      return { contents: `${source}\nexport { ${names.join(', ')} };`, loader: 'js' };
    });
  },
};

/** What VS Code loads in its extension host as 'tests'; they are not part of the package. */
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

const bundles: BuildOptions[] = [
  { ...common, entryPoints: { extension: 'src/extension.ts' }, plugins: [zodInEnglish, sdkBesideTheExtension] },
  { ...common, entryPoints: { 'modal-sdk': 'src/modal/sdk.ts' } },
  { ...common, entryPoints: { 'sync-worker': 'src/sync/worker/worker.ts' } },
  { ...common, entryPoints: { 'sync-look-ahead': 'src/sync/scan/look-ahead-thread.ts' } },
  { ...common, entryPoints: { 'local-modal': 'local/main.ts' }, plugins: [zodInEnglish, wireDefinitions] },
  testEntries,
];

const contexts = await Promise.all(bundles.map((options) => context(options)));
await Promise.all(contexts.map((each) => each.rebuild()));
if (process.argv.includes('--watch')) await Promise.all(contexts.map((each) => each.watch()));
else await Promise.all(contexts.map((each) => each.dispose()));
