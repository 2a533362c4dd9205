import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientError, Status } from 'nice-grpc-common';
import { z } from 'zod';
import { UserError } from '../../../src/base/errors.ts';
import { AccountError, parseConfigProfiles } from '../../../src/modal/accounts.ts';
import { newClient } from '../../../src/modal/client.ts';
import { SandboxEndedError } from '../../../src/modal/errors.ts';
import { explain } from '../../../src/modal/explain/explain.ts';
import { RemoteFileError } from '../../../src/modal/remote-files.ts';
import type { SandboxEnd } from '../../../src/modal/sandbox-ends.ts';
import { NotScheduledError } from '../../../src/modal/sandbox-start.ts';

/**
 * Sentences, each with `{}` for the reason, its buttons after an arrow, and the errors that it's for, a line each: a gRPC status
 * or `unavailable` with the words of gRPC, an error of the system or SDK, or one of `NAMED`.
 */
const TABLE = readFileSync(new URL('../../fixtures/errors.txt', import.meta.url), 'utf8');

let folder: string;

const system = (code: string, message: string, path?: string) =>
  Object.assign(new Error(`${code}: ${message}`), { code, ...(path !== undefined && { path }) });

/** Errors that need more than words. Functions are called, and fail. */
const NAMED: Readonly<Record<string, unknown>> = {
  'a broken config file': () => parseConfigProfiles('[main\ntoken_id = 1'),
  'a download from a host without an address': () => fetch('http://modal.invalid'),
  'reading a file that is gone': () => readFile(join(folder, 'no')),
  'writing to a folder': () => writeFile(folder, ''),
  'listing below a file': () => readdir(join(folder, 'file/sub')),
  'removing a full folder': () => rmdir(join(folder, 'full')),
  'creating a folder again': () => mkdir(join(folder, 'full')),
  'reading a link to itself': () => readFile(join(folder, 'loop')),
  'writing to a full disk': () =>
    open(join('/dev/full'), 'w').then((file) => file.writeFile('x').finally(() => file.close())),
  'a field of another type': () => z.object({ token: z.string() }).parse({ token: 1 }),
  'a value of another type': () => z.string().parse(1),
  'JSON that is cut off': () => JSON.parse('{"a": 1'),
  'an error with a sentence of its own': new UserError('Do this.', { actions: ['openFolder'] }),
  'an error of a file in a sandbox': new RemoteFileError('denied', 'Not this file.'),
  'a cancellation': AbortSignal.abort().reason,
  'an error that nobody knows': new Error('odd\nstack'),
  'a text that was thrown': 'odd',
  'no account': new AccountError('No Modal account is selected.'),
  'a download that breaks': new TypeError('fetch failed', { cause: system('ECONNRESET', 'read ECONNRESET') }),
  'a download without an answer': new TypeError('fetch failed', {
    cause: Object.assign(new Error('Headers Timeout Error'), { code: 'UND_ERR_HEADERS_TIMEOUT' }),
  }),
  'a sandbox that waited too long': new NotScheduledError('Sandbox sb-1 waited too long for its GPU'),
};

/** An error, and the words that fill the sentence. */
interface Failure {
  readonly fail: unknown;
  readonly reason?: string;
}

/** Makes the error that a line of the table describes. */
function failureOf(line: string): Failure {
  if (line in NAMED) return { fail: NAMED[line] };
  const [, kind = '', words = ''] = /^([^:]+):? ?(.*)$/.exec(line) ?? [];
  const reason = words.replace(/(?<!\.)\.$/, '');
  const [source, name = ''] = kind.split(' ');
  const grpc = (code: Status, details: string) =>
    new ClientError('/modal.client.ModalClient/SandboxCreateV2', code, details);
  if (source === 'sandbox') return { fail: new SandboxEndedError(name as SandboxEnd) };
  if (source === 'error') return { fail: new Error(words), reason };
  if (source === 'SDK') return { fail: Object.assign(new Error(words), { name }), reason };
  if (source === 'system') {
    const [message = '', path] = words.split(' at ');
    return { fail: system(name, message, path), reason: path ?? `${name}: ${message}` };
  }
  if (source === 'unavailable') {
    const details = `No connection established. Last error: Error: ${words}. Resolution note: `;
    return { fail: grpc(Status.UNAVAILABLE, details), reason };
  }
  const code = Status[kind as keyof typeof Status];
  assert.ok(typeof code === 'number', `The table has an unknown error: ${line}`);
  return { fail: grpc(code, words), reason: reason || 'no reason given' };
}

/** The cases of the table: an error, what users read, and the buttons. */
const CASES = TABLE.trim()
  .split('\n\n')
  .flatMap((block) => {
    const [sentence = '', actions = '', ...lines] = block.split('\n').map((line) => line.trim());
    return lines.map((line) => {
      const { fail, reason = '' } = failureOf(line);
      const offered = actions.replace('→ ', '').replace('nothing', '').split(', ').filter(Boolean);
      return { line, fail, expected: [sentence.replace('{}', () => reason), ...offered] };
    });
  });

async function thrown(fail: unknown): Promise<unknown> {
  if (typeof fail !== 'function') return fail;
  return Promise.resolve()
    .then(() => fail())
    .then(
      () => assert.fail('nothing failed'),
      (error: unknown) => error,
    );
}

describe('Errors of this computer', () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'explain-'));
    await mkdir(join(folder, 'full/sub'), { recursive: true });
    await writeFile(join(folder, 'file'), '');
    await symlink('loop', join(folder, 'loop'));
  });
  after(() => rm(folder, { recursive: true }));

  for (const { line, fail, expected } of CASES)
    it(`are explained: ${line}`, async () => {
      const { message, actions } = explain(await thrown(fail));
      assert.deepEqual([message.replaceAll(folder, 'DIR'), ...actions], expected);
    });
});

describe('Connections that fail', () => {
  const servers: Server[] = [];
  const portOf = async (server: Server) => {
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const failAt = (serverUrl: string) => {
    const account = { label: 'test', tokenId: 'ak-a', tokenSecret: 'as-a', serverUrl };
    const call = async () => {
      const client = await newClient(account);
      await client.cpClient.clientHello({}, { retries: 0 }).finally(() => client.close());
    };
    return thrown(call).then((error) => explain(error).message);
  };
  let messages: readonly string[];
  let proxyPort: number;

  before(async () => {
    const resetting = await portOf(createServer((socket) => void socket.resetAndDestroy()));
    const direct = ['http://127.0.0.1:9', `http://127.0.0.1:${resetting}`, 'https://modal.invalid'];
    const failed = await Promise.all(direct.map(failAt));
    const proxy = createHttpServer().on('connect', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
    proxyPort = await portOf(proxy);
    process.env.grpc_proxy = `http://user:password@127.0.0.1:${proxyPort}`;
    messages = [...failed, await failAt('https://api.modal.com')];
  });
  after(() => {
    delete process.env.grpc_proxy;
    for (const server of servers) server.close();
  });

  it('are explained by their reasons', () => {
    assert.deepEqual(
      messages.map((message) => message.replace(/(?<=127\.0\.0\.1:)\d{2,}/, 'PORT')),
      [
        "Couldn't reach Modal (connect ECONNREFUSED 127.0.0.1:9). Check your network connection, your firewall, and MODAL_SERVER_URL if you set it, and then try again.",
        'The connection was interrupted (connect ECONNRESET 127.0.0.1:PORT). Try again.',
        "Couldn't reach Modal (Name resolution failed for target dns:modal.invalid:443). You might be offline. Check your network connection, and then try again.",
        "The proxy 127.0.0.1:PORT didn't open a connection to Modal. Allow modal.com in the proxy, or add it to the no_proxy environment variable. Then restart VS Code.",
      ],
    );
  });
});
