/** The SDK's service definitions. The SDK doesn't export them, so this exports them from a copy. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const bundle = createRequire(import.meta.url)
  .resolve('modal')
  .replace(/index\.cjs$/, 'index.js');
const copy = fileURLToPath(new URL('../../dist/sdk-with-services.mjs', import.meta.url));

/** Returns `ModalClientDefinition` and `TaskCommandRouterDefinition`. */
export async function sdkServices() {
  const exported = 'export { ModalClientDefinition, TaskCommandRouterDefinition };';
  writeFileSync(copy, `${readFileSync(bundle, 'utf8')}\n${exported}\n`);
  return import(copy);
}
