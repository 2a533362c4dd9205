/** Clients of the bare services, without the SDK in between. The SDK does not export the services, so a copy of it does. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { ModalClient } from 'modal';
import { type Channel, type Client, createChannel, createClient, Metadata } from 'nice-grpc';
import type { RouterService } from '../../../local/wire.ts';

export type RawRouter = Client<RouterService>;

const bundle = createRequire(import.meta.url)
  .resolve('modal')
  .replace(/index\.cjs$/, 'index.js');
const copy = fileURLToPath(new URL('../../../dist/sdk-with-services.mjs', import.meta.url));

async function services() {
  const exported = 'export { ModalClientDefinition, TaskCommandRouterDefinition };';
  writeFileSync(copy, `${readFileSync(bundle, 'utf8')}\n${exported}\n`);
  return import(copy);
}

/** @param jwt what the control plane gave for a task. The caller closes the channel. */
export async function rawRouter(url: string, jwt: string): Promise<{ router: RawRouter; channel: Channel }> {
  const { TaskCommandRouterDefinition } = await services();
  const metadata = Metadata({ authorization: `Bearer ${jwt}` });
  const channel = createChannel(url);
  return { router: createClient(TaskCommandRouterDefinition, channel, { '*': { metadata } }) as RawRouter, channel };
}

/** A client without an account. The caller closes the channel. */
export async function rawControlPlane(url: string): Promise<{ client: ModalClient['cpClient']; channel: Channel }> {
  const { ModalClientDefinition } = await services();
  const channel = createChannel(url);
  return { client: createClient(ModalClientDefinition, channel) as ModalClient['cpClient'], channel };
}
