/** Validates sandbox definitions as Modal does. */
import { isIP } from 'node:net';
import { failedPrecondition, invalidArgument } from '../grpc/status.ts';
import type { SandboxDefinition } from '../grpc/wire.ts';

const MAX_LIFETIME_SECS = 24 * 60 * 60;
const CLOUDS = ['', 'aws', 'gcp', 'oci', 'auto'];
const REGIONS =
  /^(us|eu|ap|uk|ca|me|sa|af|mx|jp|au|in)(-(east|west|central|north|south|northeast|southeast|southcentral|melbourne)(-\d+)?)?$/;
const NAME_PATTERN = /^[A-Za-z0-9_.-]{1,64}$/;

/** Throws INVALID_ARGUMENT unless `cidr` is an address range such as `10.0.0.0/8`. */
export function assertCidr(cidr: string): void {
  const [address = '', bits, ...more] = cidr.split('/');
  const family = isIP(address);
  const maxBits = family === 4 ? 32 : 128;
  const isValid =
    family !== 0 && bits !== undefined && /^\d+$/.test(bits) && Number(bits) <= maxBits && more.length === 0;
  if (!isValid) throw invalidArgument(`Invalid CIDR: ${cidr}`);
}

/** Throws INVALID_ARGUMENT unless `domain` is a domain, a wildcard such as `*.example.com`, or `*`. */
export function assertDomain(domain: string): void {
  if (domain === '*') return;
  if (!/^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i.test(domain)) {
    throw invalidArgument(`Invalid domain: ${domain}`);
  }
}

/** Throws INVALID_ARGUMENT unless `name` can be the name of a sandbox. */
export function assertSandboxName(name: string): void {
  if (!NAME_PATTERN.test(name)) {
    throw invalidArgument(
      `Invalid sandbox name '${name}'. Names must be 1 to 64 letters, digits, dashes, underscores, or dots`,
    );
  }
}

/** Throws INVALID_ARGUMENT for definitions that Modal rejects, and FAILED_PRECONDITION for what needs its cloud. */
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
    throw invalidArgument(`Working directory must be an absolute path: ${definition.workdir}`);
  }
}

/** Throws FAILED_PRECONDITION for features of Modal's cloud, because ignoring them would look as if they worked. */
function assertLocal({ cloudBucketMounts, s3Mounts, nfsMounts, proxyId, enableSnapshot }: SandboxDefinition): void {
  const unsupported = [
    cloudBucketMounts.length + s3Mounts.length > 0 ? 'Cloud buckets' : undefined,
    nfsMounts.length > 0 ? 'Network file systems' : undefined,
    proxyId ? 'Proxies' : undefined,
    enableSnapshot ? 'Memory snapshots' : undefined,
  ].filter(Boolean);
  if (unsupported.length > 0)
    throw failedPrecondition(`${unsupported.join(', ')} require Modal's cloud and are not supported by Local Modal`);
}

/** The experimental option that saves a sandbox as an image when it stops. */
export const EXIT_SNAPSHOT_OPTION = 'enable_exit_snapshot';

/** Returns whether a sandbox is to be saved when it stops. The SDK sends the option as a string since 0.11. */
export function hasExitSnapshot({ experimentalOptions, experimentalOptionsV2 }: SandboxDefinition): boolean {
  return experimentalOptions[EXIT_SNAPSHOT_OPTION] === true || experimentalOptionsV2[EXIT_SNAPSHOT_OPTION] === 'true';
}
