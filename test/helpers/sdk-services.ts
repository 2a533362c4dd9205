/** The services of the SDK. It does not export them, so a copy of it does. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const bundle = createRequire(import.meta.url)
  .resolve('modal')
  .replace(/index\.cjs$/, 'index.js');
const copy = fileURLToPath(new URL('../../dist/sdk-with-services.mjs', import.meta.url));

/** `ModalClientDefinition` and `TaskCommandRouterDefinition`. */
export async function sdkServices() {
  const exported = 'export { ModalClientDefinition, TaskCommandRouterDefinition };';
  writeFileSync(copy, `${readFileSync(bundle, 'utf8')}\n${exported}\n`);
  return import(copy);
}
