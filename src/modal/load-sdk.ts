import { limitCommands } from './call-limits.ts';
import { trustIn } from './trust.ts';

/** Loads the SDK and its gRPC library, at first use. Their connections trust what the user's settings say, and their calls end. */
export async function loadSdk(): Promise<typeof import('./sdk.ts')> {
  const sdk = await import('./sdk.ts');
  trustIn(sdk.ChannelCredentials);
  limitCommands(sdk.Sandbox);
  return sdk;
}
