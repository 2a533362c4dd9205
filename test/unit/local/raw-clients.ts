/** Clients of the bare services, without the SDK in between. */
import type { ModalClient } from 'modal';
import { type Channel, type Client, createChannel, createClient, Metadata } from 'nice-grpc';
import type { RouterService } from '../../../local/grpc/wire.ts';
import { sdkServices } from '../../helpers/sdk-services.ts';

export type RawRouter = Client<RouterService>;

/** @param jwt what the control plane gave for a task. The caller closes the channel. */
export async function rawRouter(url: string, jwt: string): Promise<{ router: RawRouter; channel: Channel }> {
  const { TaskCommandRouterDefinition } = await sdkServices();
  const metadata = Metadata({ authorization: `Bearer ${jwt}` });
  const channel = createChannel(url);
  return { router: createClient(TaskCommandRouterDefinition, channel, { '*': { metadata } }) as RawRouter, channel };
}

/** A client without an account. The caller closes the channel. */
export async function rawControlPlane(url: string): Promise<{ client: ModalClient['cpClient']; channel: Channel }> {
  const { ModalClientDefinition } = await sdkServices();
  const channel = createChannel(url);
  return { client: createClient(ModalClientDefinition, channel) as ModalClient['cpClient'], channel };
}
