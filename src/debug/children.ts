import { z } from 'zod';
import type { Channel } from '../channel/channels.ts';
import type { LinkListener } from './adapter-link.ts';
import { AdapterSocket } from './adapter-socket.ts';

/** A process of the debugged program that waits for a debugger of its own. */
const ChildSchema = z.looseObject({
  name: z.string(),
  subProcessId: z.number().int().positive(),
  connect: z.object({ host: z.string(), port: z.number().int().min(1).max(65_535) }),
  /** The path at which the inspector of Node.js is reached, for a process of Node.js. */
  inspector: z
    .string()
    .regex(/^\/[\w-]+$/)
    .optional(),
});
export type ChildProcess = z.infer<typeof ChildSchema>;

/** Parses what an adapter says about a child process; undefined if it isn't about one. */
export function parseChild(configuration: unknown): ChildProcess | undefined {
  return ChildSchema.safeParse(configuration).data;
}

/** A process that Python starts for itself when a program uses `multiprocessing`. */
const RESOURCE_TRACKER = 'multiprocessing.resource_tracker';

/** Returns whether a child process is one of Python's own, which users don't want to debug. */
export async function isOfPython(channel: Channel, { subProcessId }: ChildProcess): Promise<boolean> {
  const process = await channel.spawn(['cat', `/proc/${subProcessId}/cmdline`]);
  let commandLine = '';
  for await (const bytes of process.stdout) commandLine += String(bytes);
  return commandLine.includes(RESOURCE_TRACKER);
}

/** Lets a child process run that users don't want to debug: it waits until a debugger has attached. */
export function letRun(channel: Channel, child: ChildProcess): void {
  const ignore: LinkListener = { message() {}, status() {}, progress() {}, running() {}, started() {} };
  const socket = new AdapterSocket(async () => channel, child.connect, ignore);
  const requests: [command: string, args: object][] = [
    ['initialize', { adapterID: 'debugpy' }],
    ['attach', child],
    ['configurationDone', {}],
  ];
  for (const [index, [command, args]] of requests.entries())
    socket.send({ type: 'request', seq: index + 1, command, arguments: args });
}
