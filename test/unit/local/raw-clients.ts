/** Clients of the gRPC services, without the SDK. */
import type { ModalClient } from 'modal';
import { type Channel, type Client, createChannel, createClient, Metadata } from 'nice-grpc';
import type { RouterService } from '../../../local/grpc/wire.ts';
import { sdkServices } from '../../helpers/sdk-services.ts';

export type RawRouter = Client<RouterService>;

/** Creates a client of the router. `jwt` is the control plane's token for a task. The caller closes the channel. */
export async function rawRouter(url: string, jwt: string): Promise<{ router: RawRouter; channel: Channel }> {
  const { TaskCommandRouterDefinition } = await sdkServices();
  const metadata = Metadata({ authorization: `Bearer ${jwt}` });
  const channel = createChannel(url);
  return { router: createClient(TaskCommandRouterDefinition, channel, { '*': { metadata } }) as RawRouter, channel };
}

/** Creates a client of the control plane without an account. The caller closes the channel. */
export async function rawControlPlane(url: string): Promise<{ client: ModalClient['cpClient']; channel: Channel }> {
  const { ModalClientDefinition } = await sdkServices();
  const channel = createChannel(url);
  return { client: createClient(ModalClientDefinition, channel) as ModalClient['cpClient'], channel };
}
