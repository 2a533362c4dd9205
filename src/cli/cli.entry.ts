/** The program `sandboxes`. See docs/command-line.md. */
import * as nodeModule from 'node:module';

/** What the bundles are built for. */
const MIN_NODE = 22;

async function start(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) < MIN_NODE) {
    process.stderr.write(`sandboxes needs Node.js ${MIN_NODE} or later. This is ${process.versions.node}.\n`);
    process.exit(125);
  }
  // Compiled code is kept in the temporary folder, which saves a large part of the start.
  nodeModule.enableCompileCache?.();
  const { main } = await import('./main.ts');
  await main(process.argv.slice(2));
}

void start();
