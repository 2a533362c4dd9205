/**
 * A server that ignores the input of commands and does no work for their output, so it measures what the SDK's own client
 * can handle. Its argument is the number of bytes that each command outputs. Prints its URL.
 */
import { createServer } from 'nice-grpc';
import { Faults } from '../local/grpc/faults.ts';
import { withLargeWindows } from '../local/grpc/flow-control.ts';
import { implement } from '../local/grpc/rpc.ts';
import { withFastOutput } from '../local/grpc/stdio-codec.ts';
import type { StdinStreamMessage, StdioReadRequest } from '../local/grpc/wire.ts';
import { reduceGarbageCollections } from '../local/server/garbage-collection.ts';
import { sdkServices } from '../test/helpers/sdk-services.ts';

reduceGarbageCollections();
const bytes = Number(process.argv[2]);
const piece = Buffer.alloc(256 * 1024, 7);
const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
const jwt = `${part({})}.${part({ exp: Date.now() / 1000 + 3600 })}.none`;
let url = '';

const controlPlane = {
  authTokenGet: async () => ({ token: jwt }),
  sandboxGetTaskIdV2: async () => ({ taskId: 'ta-idle' }),
  sandboxGetCommandRouterAccess: async () => ({ url: url.replace('http:', 'https:'), jwt }),
};
const router = {
  taskExecStart: async () => ({}),
  taskExecWait: async () => ({ code: 0 }),
  async taskExecStdinWriteStream(messages: AsyncIterable<StdinStreamMessage>) {
    for await (const { end } of messages) if (end) break;
    return {};
  },
  async *taskExecStdioRead({ offset }: StdioReadRequest) {
    for (let at = offset; at < bytes; at += piece.length) yield { data: piece };
  },
};

const guard = { faults: new Faults(), check: () => {}, checkMessage: () => {} };
const { ModalClientDefinition, TaskCommandRouterDefinition } = await sdkServices();
const server = createServer();
server.add(ModalClientDefinition, implement(ModalClientDefinition, controlPlane, guard));
server.add(withFastOutput(TaskCommandRouterDefinition) as never, implement(TaskCommandRouterDefinition, router, guard));
url = `http://127.0.0.1:${await withLargeWindows(() => server.listen('127.0.0.1:0'))}`;
process.stdout.write(`${url}\n`);
