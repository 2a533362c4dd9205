/** The program `sandboxes`: checks the version of Node.js, and loads the rest. See docs/command-line.md. */
import * as nodeModule from 'node:module';

/** What the bundles are built for. */
const MIN_NODE = 22;

if (Number.parseInt(process.versions.node, 10) < MIN_NODE) {
  process.stderr.write(`sandboxes needs Node.js ${MIN_NODE} or later. This is ${process.versions.node}.\n`);
  process.exitCode = 125;
} else {
  // Compiled code is kept in the temporary folder, which saves a large part of the start. It counts for what is loaded later.
  nodeModule.enableCompileCache();
  // Threads have a cache of their own.
  process.env.NODE_COMPILE_CACHE = nodeModule.getCompileCacheDir();
  void import('./main.ts').then(({ main }) => main(process.argv.slice(2)));
}
