import * as nodeModule from 'node:module';

/** What the bundles are built for. */
const MIN_NODE = 22;

/** Checks the version of Node.js, and loads the rest of a program. Resolves with undefined if the version is too old. */
export async function loadMain(): Promise<typeof import('./main.ts') | undefined> {
  if (Number.parseInt(process.versions.node, 10) < MIN_NODE) {
    process.stderr.write(`sandboxes needs Node.js ${MIN_NODE} or later. This is ${process.versions.node}.\n`);
    process.exitCode = 125;
    return undefined;
  }
  // Compiled code is kept in the temporary folder, which saves a large part of the start. It counts for what is loaded later.
  nodeModule.enableCompileCache();
  // Threads have a cache of their own.
  process.env.NODE_COMPILE_CACHE = nodeModule.getCompileCacheDir();
  return import('./main.ts');
}
