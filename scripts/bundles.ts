/** The bundles that the package contains. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';
import { projectFolder } from './paths.ts';

/** Keeps only zod's English messages. The other languages are more than half of zod's size, and are loaded at startup. */
const zodInEnglish: Plugin = {
  name: 'zod-in-english',
  setup(build) {
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: `export { default as en } from './en.js';`,
    }));
  },
};

/** The options of all bundles. */
export const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  // As `import()`, Node would look for the names that a file exports by reading all of it.
  supported: { 'dynamic-import': false },
  format: 'cjs',
  logLevel: 'warning',
  // The sync engine uses `import.meta` only if it isn't bundled.
  logOverride: { 'empty-import-meta': 'silent' },
  // VS Code provides `vscode`. mocha isn't bundled, because it finds its interfaces by file.
  external: ['vscode', 'mocha'],
  // jsonc-parser's main file cannot be bundled, but its ES module can.
  mainFields: ['module', 'main'],
  // zod reads `navigator`, and VS Code's extension host logs an error for that.
  define: { navigator: 'undefined' },
  plugins: [zodInEnglish],
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
};

/** Turns `import('./sdk.ts')` in the extension into a separate file, so that activation doesn't parse the SDK. */
const separateSdk: Plugin = {
  name: 'separate-sdk',
  setup(build) {
    build.onResolve({ filter: /^(modal|nice-grpc|\.\/sdk\.ts)$/ }, ({ kind, path }) =>
      kind === 'dynamic-import' && path === './sdk.ts'
        ? { path: './modal-sdk.cjs', external: true }
        : {
            errors: [
              { text: 'Load the SDK with `loadSdk()` of src/modal/load-sdk.ts, so that activation stays fast.' },
            ],
          },
    );
  },
};

/** Turns `import('./main.ts')` in entry points into a separate file, which Node can keep compiled and programs share. */
const separateMain: Plugin = {
  name: 'separate-main',
  setup(build) {
    build.onResolve({ filter: /^\.\/main\.ts$/ }, () => ({ path: './cli-main.cjs', external: true }));
  },
};

/** Exports the definitions of Modal's services, and its codec, from the SDK, which contains but doesn't export them. */
const wireDefinitions: Plugin = {
  name: 'wire-definitions',
  setup(build) {
    const names = ['ModalClientDefinition', 'TaskCommandRouterDefinition', 'BinaryReader', 'BinaryWriter'];
    build.onLoad({ filter: /[\\/]modal[\\/]dist[\\/]index\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const missing = names.filter((name) => !source.includes(`var ${name} = `));
      if (missing.length > 0) return { errors: [{ text: `modal's bundle no longer defines ${missing.join(', ')}` }] };
      return { contents: `${source}\nexport { ${names.join(', ')} };`, loader: 'js' };
    });
  },
};

/** Lets Local Modal load the SDK and gRPC from the separate file, which would otherwise be in the package twice. */
const sharedSdk: Plugin = {
  name: 'shared-sdk',
  setup(build) {
    build.onResolve({ filter: /^(modal|nice-grpc)$/ }, () => ({ path: './modal-sdk.cjs', external: true }));
  },
};

/** Lets all bundles load zod from a separate file, which is a large part of each of them otherwise. */
const sharedZod: Plugin = {
  name: 'shared-zod',
  setup(build) {
    build.onResolve({ filter: /^zod(\/v4)?$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './zod.cjs', external: true },
    );
  },
};

/** Loads the SDK of the MCP server from a separate file, because most programs don't need it. */
const separateMcpSdk: Plugin = {
  name: 'separate-mcp-sdk',
  setup(build) {
    build.onResolve({ filter: /^@modelcontextprotocol\// }, () => ({
      errors: [{ text: 'Import the MCP SDK from src/mcp/mcp-sdk.ts, so that only the MCP server loads it.' }],
    }));
    build.onResolve({ filter: /^\.\/mcp-sdk\.ts$/ }, () => ({ path: './mcp-sdk.cjs', external: true }));
  },
};

/** Omits the validator of JSON schemas, a third of the MCP SDK. Our tools and questions have zod schemas. */
const withoutSchemaValidator: Plugin = {
  name: 'without-schema-validator',
  setup(build) {
    build.onLoad({ filter: /[\\/]@modelcontextprotocol[\\/]server[\\/]dist[\\/]shimsNode\.mjs$/ }, () => ({
      contents: `
        export { default as process } from 'node:process';
        export class DefaultJsonSchemaValidator {
          getValidator() { throw new Error('JSON schemas are not supported'); }
        }`,
    }));
  },
};

function bundle(name: string, source: string, ...plugins: Plugin[]): BuildOptions {
  return { ...common, entryPoints: { [name]: source }, plugins: [...plugins, sharedZod] };
}

/**
 * The extension, the Modal SDK in a separate file (so that it can be loaded later), zod, the relay of SSH, the command line
 * and the MCP server, which share a file, the threads of sync, and Local Modal.
 */
export const packagedBundles: readonly BuildOptions[] = [
  bundle('extension', 'src/extension.ts', separateSdk, separateMcpSdk),
  bundle('modal-sdk', 'src/modal/sdk.ts', wireDefinitions),
  bundle('zod', 'zod', zodInEnglish),
  bundle('ssh-relay', 'src/ssh/relay.entry.ts', separateSdk),
  { ...bundle('cli', 'src/cli/cli.entry.ts', separateMain), banner: { js: '#!/usr/bin/env node' } },
  bundle('mcp', 'src/cli/mcp.entry.ts', separateMain),
  bundle('service', 'src/cli/service.entry.ts', separateMain),
  bundle('cli-main', 'src/cli/main.ts', separateSdk, separateMcpSdk),
  bundle('mcp-sdk', 'src/mcp/mcp-sdk.ts', withoutSchemaValidator),
  bundle('sync-worker', 'src/sync/worker/worker.ts'),
  bundle('sync-look-ahead', 'src/sync/scan/look-ahead-thread.ts'),
  bundle('local-modal', 'local/main.ts', sharedSdk),
];

/** The files whose types other programs get. They import only from each other. */
const PUBLIC_TYPES = ['src/api/api.ts', 'src/service/types.ts'];

/** Returns the declarations of `modal-sandboxes/service`. */
export async function publicTypes(): Promise<string> {
  const sources = await Promise.all(PUBLIC_TYPES.map((path) => readFile(join(projectFolder, path), 'utf8')));
  return [
    ...sources.map((source) => source.replace(/^import type [^;]+;\n+/gm, '')),
    '/** Creates the service of a folder. Makes no call. Rejects with a message for users. */',
    'export declare function createService(options: ServiceOptions): Promise<SandboxService>;',
    '',
  ].join('\n');
}
