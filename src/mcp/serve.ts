import { logError } from '../base/log.ts';
import type { Agent } from './agent.ts';
import { serveStdio } from './mcp-sdk.ts';
import { agentServer, type OpenAgent } from './server.ts';
import { FinishingStdio } from './stdio.ts';

/** Calls that are in progress when the input ends are answered within this time. */
const FINISH_MS = 30_000;
/** Ending the agent's programs and sandboxes may take this long. What is left ends by its idle timeout. */
const END_MS = 10_000;

/** Serves one client over the standard streams, until its input ends or the process is told to stop. */
export async function serve(version: string, open: OpenAgent, dispose: () => Promise<void>): Promise<void> {
  let agent: Promise<Agent> | undefined;
  const ended = Promise.withResolvers<void>();
  const transport = new FinishingStdio(process.stdin, process.stdout, FINISH_MS);
  const opened: OpenAgent = (client) => {
    agent ??= open(client).catch((error) => {
      agent = undefined;
      throw error;
    });
    return agent;
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.resolve());
  const { onclose } = serving(transport, version, opened);
  await Promise.race([onclose, ended.promise]);
  const ending = agent?.then((each) => each.dispose(), logError);
  await Promise.race([Promise.resolve(ending).then(dispose), timeLimit()]).catch(logError);
}

function serving(transport: FinishingStdio, version: string, open: OpenAgent): { readonly onclose: Promise<void> } {
  const closed = Promise.withResolvers<void>();
  serveStdio(() => agentServer(version, open), { transport, onerror: logError });
  // The SDK has set its own.
  const before = transport.onclose;
  transport.onclose = () => {
    before?.();
    closed.resolve();
  };
  return { onclose: closed.promise };
}

function timeLimit(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, END_MS).unref());
}
