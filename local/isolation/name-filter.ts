/**
 * Answers the name lookups (RFC 1035) of a container that may reach only some domains. The computer's own name server is asked for
 * those, and the addresses in its answers become reachable.
 */
import { createSocket } from 'node:dgram';
import { getServers } from 'node:dns';
import { isIPv6 } from 'node:net';

/** Longer than name servers need. Programs ask again after a few seconds. */
const ANSWER_LIMIT_MS = 5_000;
const HEADER_BYTES = 12;
const TYPE_A = 1;
const NO_SUCH_NAME = 3;

export interface Answer {
  readonly message: Buffer;
  /** The IPv4 addresses in it. */
  readonly addresses: readonly string[];
}

export interface NameRules {
  /** Names such as `example.com`, and wildcards such as `*.example.com`. */
  readonly domains: readonly string[];
  /** Whether other names are answered, too, though their addresses don't become reachable. */
  readonly answersOthers: boolean;
}

/** Returns the answer to a query, or undefined if there is none. Throws a `RangeError` for what isn't a query. */
export async function answerTo(query: Buffer, { domains, answersOthers }: NameRules): Promise<Answer | undefined> {
  const { name, end } = nameAt(query, HEADER_BYTES);
  const isAllowed = domains.some((domain) => matches(name, domain));
  if (!isAllowed && !answersOthers) return { message: refusal(query, end), addresses: [] };
  const message = await ask(query);
  return message && { message, addresses: isAllowed ? addressesIn(message) : [] };
}

function matches(name: string, domain: string): boolean {
  const wanted = domain.toLowerCase();
  return wanted.startsWith('*.') ? name.endsWith(wanted.slice(1)) : name === wanted;
}

/** Returns the name at an offset, in lower case, and the offset after it. */
function nameAt(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    // A pointer to an earlier name. The name of a question has none, and those of answers don't matter.
    if (length >= 0xc0) return { name: labels.join('.'), end: at + 2 };
    labels.push(message.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 1 };
}

/** Returns an answer that says that the name of a query doesn't exist. `end` is the offset after the name. */
function refusal(query: Buffer, end: number): Buffer {
  const answer = Buffer.from(query.subarray(0, end + 4));
  answer.writeUInt16BE(0x8080 | (query.readUInt16BE(2) & 0x0100) | NO_SUCH_NAME, 2);
  answer.writeUInt16BE(1, 4);
  answer.fill(0, 6, HEADER_BYTES);
  return answer;
}

function addressesIn(message: Buffer): string[] {
  const addresses: string[] = [];
  let at = HEADER_BYTES;
  for (let question = message.readUInt16BE(4); question > 0; question--) at = nameAt(message, at).end + 4;
  for (let record = message.readUInt16BE(6); record > 0; record--) {
    const { end } = nameAt(message, at);
    const length = message.readUInt16BE(end + 8);
    at = end + 10 + length;
    if (message.readUInt16BE(end) === TYPE_A && length === 4) addresses.push(message.subarray(at - 4, at).join('.'));
  }
  return addresses;
}

/** Asks the computer's own name server. Returns undefined if it doesn't answer. */
function ask(query: Buffer): Promise<Buffer | undefined> {
  const [server = ''] = getServers();
  const [, address = server, port = '53'] =
    /^\[?([^\]]+?)\]?(?::(\d+))?$/.exec(isIPv6(server) ? `[${server}]` : server) ?? [];
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  return new Promise<Buffer | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ANSWER_LIMIT_MS);
    const settle = (message?: Buffer) => {
      clearTimeout(timer);
      resolve(message);
    };
    socket.once('error', () => settle());
    // Only messages of the server arrive on a connected socket.
    socket.connect(Number(port), address, () => socket.send(query));
    socket.on('message', (message) => {
      if (message.subarray(0, 2).equals(query.subarray(0, 2))) settle(message);
    });
  }).finally(() => socket.close());
}
