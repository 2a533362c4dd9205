import type { Sandbox } from 'modal';
import { UserError } from '../base/errors.ts';
import type { ListeningPort } from '../channel/observers.ts';
import type { Service } from '../service/service.ts';
import type { Context } from './context.ts';
import { textOf, UsageError } from './flags.ts';
import { table } from './output.ts';
import { strings } from './strings.ts';

/** The longest time until the sandbox tells which ports its programs listen on. */
const LIST_TIMEOUT_MS = 15_000;

/** `sandboxes ports`: forwards ports of the sandbox to this computer until Ctrl+C, or lists those that programs listen on. */
export async function ports(context: Context): Promise<number> {
  const { args, flags, output, service } = context;
  const wanted = args.map(parsePort);
  const opened = await service();
  const sandbox = await opened.requireSandbox(textOf(flags, 'sandbox'));
  if (wanted.length > 0) return forward(context, opened, sandbox, wanted);
  const found = await listening(opened, sandbox);
  const rows = found.map(({ port, address, command = '' }) => [String(port), address, command]);
  output.result(found, rows.length === 0 ? '' : table(rows));
  if (rows.length === 0) output.status(strings.noPorts());
  return 0;
}

interface WantedPort {
  readonly port: number;
  readonly localPort: number | undefined;
}

/** Parses `8000` or `8000:9000`: the port in the sandbox, and the one of this computer. */
function parsePort(text: string): WantedPort {
  const [, port = '', localPort] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text) ?? [];
  const numbers = [Number(port), Number(localPort ?? 1)];
  if (port === '' || numbers.some((each) => each < 1 || each > 65_535)) throw new UsageError(strings.invalidPort(text));
  return { port: Number(port), localPort: localPort === undefined ? undefined : Number(localPort) };
}

async function forward(
  { output, signal }: Context,
  { parts }: Service,
  sandbox: Sandbox,
  wanted: readonly WantedPort[],
): Promise<number> {
  const { forwards, account } = parts;
  const started = await Promise.all(
    wanted.map(async ({ port, localPort }) => {
      // Sandboxes of Local Modal may share this computer's ports.
      const preferredPort = localPort ?? (account.isLocal ? 0 : port);
      const { localPort: used } = await forwards.start(sandbox, { port }, { preferredPort });
      return { port, localPort: used, url: `http://127.0.0.1:${used}` };
    }),
  );
  output.result(started, table(started.map(({ port, url }) => [String(port), url])));
  const ended = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => ended.resolve(), { once: true });
  if (signal.aborted) ended.resolve();
  // They end with the sandbox.
  forwards.onDidChange(() => forwards.in(sandbox.sandboxId).length === 0 && ended.resolve());
  // Nothing else keeps the process running between connections.
  const alive = setInterval(() => {}, LIST_TIMEOUT_MS);
  await ended.promise;
  clearInterval(alive);
  if (!signal.aborted) throw new UserError(strings.sandboxEnded(sandbox.sandboxId));
  forwards.stopAll();
  return 0;
}

/** Returns the ports that programs of the sandbox listen on. One that shares this computer's network also sees others. */
async function listening({ parts }: Service, sandbox: Sandbox): Promise<ListeningPort[]> {
  const channel = parts.channels.of(sandbox, { owner: 'sandboxes', reason: 'ports' });
  const found = Promise.withResolvers<readonly ListeningPort[]>();
  const timer = setTimeout(() => found.resolve([]), LIST_TIMEOUT_MS);
  const watch = channel.watchPorts((ports) => found.resolve(ports), { keepsOpen: true });
  try {
    return (await found.promise).filter(({ command }) => command !== undefined).sort((a, b) => a.port - b.port);
  } finally {
    clearTimeout(timer);
    watch.dispose();
    channel.close();
  }
}
