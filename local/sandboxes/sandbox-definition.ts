/** What a sandbox may be asked to be: refuses what Modal refuses. */
import { isIP } from 'node:net';
import { failedPrecondition, invalidArgument } from '../grpc/status.ts';
import type { SandboxDefinition } from '../grpc/wire.ts';

const MAX_LIFETIME_SECS = 24 * 60 * 60;
const CLOUDS = ['', 'aws', 'gcp', 'oci', 'auto'];
const REGIONS =
  /^(us|eu|ap|uk|ca|me|sa|af|mx|jp|au|in)(-(east|west|central|north|south|northeast|southeast|southcentral|melbourne)(-\d+)?)?$/;
const NAME_PATTERN = /^[A-Za-z0-9_.-]{1,64}$/;

/** @throws INVALID_ARGUMENT */
export function assertCidr(cidr: string): void {
  const [address = '', bits, ...more] = cidr.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const good = family !== 0 && bits !== undefined && /^\d+$/.test(bits) && Number(bits) <= most && more.length === 0;
  if (!good) throw invalidArgument(`Invalid CIDR: ${cidr}`);
}

/** @throws INVALID_ARGUMENT */
export function assertDomain(domain: string): void {
  if (domain === '*') return;
  if (!/^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i.test(domain)) {
    throw invalidArgument(`Invalid domain: ${domain}`);
  }
}

/** @throws INVALID_ARGUMENT */
export function assertSandboxName(name: string): void {
  if (!NAME_PATTERN.test(name)) {
    throw invalidArgument(`Invalid sandbox name '${name}': 1 to 64 letters, digits, dashes, underscores and dots`);
  }
}

/**
 * Refuses a definition that Modal would refuse.
 * @throws INVALID_ARGUMENT
 */
export function assertSandboxDefinition(definition: SandboxDefinition): void {
  if (definition.timeoutSecs > MAX_LIFETIME_SECS) {
    throw invalidArgument(`Sandbox timeout must be at most ${MAX_LIFETIME_SECS} seconds`);
  }
  if (definition.name !== undefined) assertSandboxName(definition.name);
  if (!CLOUDS.includes(definition.cloudProviderStr.toLowerCase())) {
    throw invalidArgument(`Unknown cloud provider: ${definition.cloudProviderStr}`);
  }
  for (const region of definition.schedulerPlacement?.regions ?? []) {
    if (!REGIONS.test(region)) throw invalidArgument(`Unknown region: ${region}`);
  }
  assertLocal(definition);
  for (const cidr of definition.networkAccess?.allowedCidrs ?? []) assertCidr(cidr);
  for (const cidr of definition.inboundCidrAllowlist) assertCidr(cidr);
  for (const domain of definition.networkAccess?.allowedDomains ?? []) assertDomain(domain);
  if (definition.workdir !== undefined && !definition.workdir.startsWith('/')) {
    throw invalidArgument(`The working directory must be absolute: ${definition.workdir}`);
  }
}

/** Refuses what lives in a cloud: to leave it out silently would look as if it worked. @throws FAILED_PRECONDITION */
function assertLocal({ cloudBucketMounts, s3Mounts, nfsMounts, proxyId, enableSnapshot }: SandboxDefinition): void {
  const needs = [
    cloudBucketMounts.length + s3Mounts.length > 0 ? 'Cloud buckets' : undefined,
    nfsMounts.length > 0 ? 'Network file systems' : undefined,
    proxyId ? 'Proxies' : undefined,
    enableSnapshot ? 'Memory snapshots' : undefined,
  ].filter(Boolean);
  if (needs.length > 0) throw failedPrecondition(`${needs.join(', ')} need Modal's cloud; the local Modal has none`);
}
