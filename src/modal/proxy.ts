/**
 * The proxy for all calls to Modal, control plane and routers. The gRPC library reads it from the environment at each
 * connection: only lower-case variables, only HTTP proxies, and it would use one even for this computer.
 */
import { logWarning } from '../base/log.ts';
import { strings } from './strings.ts';

/** What the user has set in the editor. */
export interface ProxySettings {
  /** The proxy's URL; empty for that of the environment. */
  readonly proxy: string;
  /** Hosts to reach without it. */
  readonly noProxy: readonly string[];
}

type Environment = Record<string, string | undefined>;

/** Local Modal is on this computer. The last one is a name of it in some of Modal's own containers, which the SDK knows. */
const LOOPBACK = ['localhost', '127.0.0.1', '::1', '172.21.0.1'];

/** The values that were found in the environment, before this set them. */
const original = new WeakMap<
  Environment,
  { readonly proxy: string | undefined; readonly noProxy: string | undefined }
>();
let problem: string | undefined;

/** Uses a proxy for connections from now on. Sets only the variables that nothing but gRPC reads. */
export function useProxy({ proxy, noProxy }: ProxySettings, environment: Environment = process.env): void {
  const found = original.get(environment) ?? {
    proxy: environment.grpc_proxy,
    noProxy: environment.no_grpc_proxy,
  };
  original.set(environment, found);
  const read = (name: string) => environment[name] || environment[name.toUpperCase()];
  const url = proxy || found.proxy || read('https_proxy') || read('http_proxy');
  const direct = [...LOOPBACK, ...noProxy, ...(found.noProxy ?? read('no_proxy') ?? '').split(',')]
    .map((host) => host.trim().replace(/^\*(?=\.)/, ''))
    .filter(Boolean);
  problem = url === undefined ? undefined : problemOf(url);
  if (problem !== undefined) logWarning(problem);
  const isDirect = url === undefined || problem !== undefined || direct.includes('*');
  set(environment, 'grpc_proxy', isDirect ? undefined : url);
  set(environment, 'no_grpc_proxy', isDirect ? undefined : [...new Set(direct)].join(','));
}

/** Why the proxy isn't used, if there is one that can't be. */
export function proxyProblem(): string | undefined {
  return problem;
}

/** The proxy that calls to Modal use now; undefined if they use none. */
export function proxyInUse(environment: Environment = process.env): URL | undefined {
  return URL.parse(environment.grpc_proxy ?? '') ?? undefined;
}

/** The proxy that calls to a server use; undefined if they use none. gRPC compares the ends of names. */
export function proxyFor({ hostname }: URL, environment: Environment = process.env): URL | undefined {
  const direct = (environment.no_grpc_proxy ?? '').split(',').filter(Boolean);
  return direct.some((end) => hostname.endsWith(end)) ? undefined : proxyInUse(environment);
}

function problemOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url) return strings.proxyInvalid();
  return url.protocol === 'http:' ? undefined : strings.proxyUnsupported(url.protocol.replace(/:$/, ''));
}

function set(environment: Environment, name: string, value: string | undefined): void {
  if (value === undefined) delete environment[name];
  else environment[name] = value;
}
