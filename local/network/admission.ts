/** Decides which connections reach a sandbox. */
import { BlockList } from 'node:net';
import type { SandboxDefinition } from '../grpc/wire.ts';
import { isLoopbackHost } from '../http/hosts.ts';

/** The address of all clients, because only this computer can reach the server. */
export const LOOPBACK = '127.0.0.1';

/** Says why a sandbox's allowlist admits no one, for those who try to connect. */
export const NOT_ON_ALLOWLIST = `The sandbox's inbound allowlist doesn't contain ${LOOPBACK}, the address of all clients.\n`;

/** Returns whether the inbound allowlist of a sandbox, if it has one, contains the clients' address. */
export function admitsClients({ inboundCidrAllowlist }: SandboxDefinition): boolean {
  if (inboundCidrAllowlist.length === 0) return true;
  const list = new BlockList();
  for (const cidr of inboundCidrAllowlist) {
    const [network = '', prefix] = cidr.split('/');
    if (!network.includes(':')) list.addSubnet(network, Number(prefix ?? 32), 'ipv4');
  }
  return list.check(LOOPBACK);
}

/** The maximum size of a request's header. */
const MAX_HEAD_BYTES = 64 * 1024;

/**
 * Returns whether a connection with this beginning may pass: any protocol, except for HTTP requests for a host name that
 * isn't this computer's. Pages of other sites send those. Returns undefined as long as that isn't certain.
 */
export function mayPass(beginning: Buffer): boolean | undefined {
  const text = beginning.toString('latin1');
  const isRequest = /^[^\s:]+ [^\r\n]* HTTP\/1\.\d\r?\n/.test(text);
  // A browser sends at least the method and the start of the target together.
  const mayBecomeRequest = /^[^\s:]+ (\/|http:|\*)[^\r\n]*\r?$/.test(text);
  if (!isRequest && !mayBecomeRequest) return true;
  const host = /\r?\nhost:[ \t]*([^\r\n]*?)[ \t]*\r?\n/i.exec(text)?.[1];
  if (host !== undefined) return isLoopbackHost(host);
  const isComplete = /\r?\n\r?\n/.test(text);
  // Without a host, it's a program with HTTP/1.0 and not a browser.
  if (isComplete) return true;
  return beginning.length > MAX_HEAD_BYTES ? false : undefined;
}
