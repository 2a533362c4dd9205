import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PortRedirects {
  /** The address of another port of this computer, with `{{port}}` in its place. */
  readonly template: string;
  close(): void;
}

/**
 * Starts a server that leads browsers to other ports of this computer. VS Code's server asks for an address with the port in
 * its path, because the browser usually runs elsewhere; here, both run on one computer.
 */
export async function startPortRedirects(): Promise<PortRedirects> {
  const server = createServer((request, response) => {
    const [, port, rest = ''] = /^\/(\d+)(\/.*)?$/.exec(request.url ?? '') ?? [];
    response.writeHead(port ? 307 : 404, port ? { location: `http://127.0.0.1:${port}${rest}` } : {}).end();
  });
  server.unref().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { template: `http://127.0.0.1:${port}/{{port}}/`, close: () => server.close() };
}
