import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import type { Running } from '../../../local/server/control.ts';
import { profileJsonSchema } from '../../../src/profiles/json-schema.ts';
import type { Sessions } from '../../../src/sandboxes/sessions.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';

type Definition = Running['sandboxes'][number]['definition'];

/** A profile, what Local Modal received of it, and its effect inside the sandbox. */
interface Case {
  readonly profile: object;
  readonly received?: (definition: Definition) => unknown;
  readonly expected?: unknown;
  readonly inside?: string;
  readonly output?: string | RegExp;
}

const ALLOW_ALL = '0.0.0.0/0';

/** By key of a profile. A key without a case fails the first test. */
const CASES: Record<string, Case> = {
  cpu: { profile: { cpu: 2 }, received: ({ resources }) => resources?.milliCpu, expected: 2000 },
  cpuLimit: { profile: { cpu: 1, cpuLimit: 4 }, received: ({ resources }) => resources?.milliCpuMax, expected: 4000 },
  memoryMiB: { profile: { memoryMiB: 512 }, received: ({ resources }) => resources?.memoryMb, expected: 512 },
  memoryLimitMiB: {
    profile: { memoryMiB: 256, memoryLimitMiB: 1024 },
    received: ({ resources }) => resources?.memoryMbMax,
    expected: 1024,
  },
  gpu: {
    profile: { gpu: 'H100:2' },
    received: ({ resources }) => [resources?.gpuConfig?.gpuType, resources?.gpuConfig?.count],
    expected: ['H100', 2],
  },
  cloud: { profile: { cloud: 'aws' }, received: ({ cloudProviderStr }) => cloudProviderStr, expected: 'aws' },
  regions: {
    profile: { regions: ['us-east', 'eu'] },
    received: ({ schedulerPlacement }) => schedulerPlacement?.regions,
    expected: ['us-east', 'eu'],
  },
  runtime: { profile: { runtime: 'vm' }, received: ({ runtime }) => /vm/i.test(String(runtime)), expected: true },
  timeoutMs: { profile: { timeoutMs: 900_000 }, received: ({ timeoutSecs }) => timeoutSecs, expected: 900 },
  idleTimeoutMs: {
    profile: { idleTimeoutMs: 120_000 },
    received: ({ idleTimeoutSecs }) => idleTimeoutSecs,
    expected: 120,
  },
  volumes: {
    profile: { volumes: { '/mnt/a': 'keys-a', '/mnt/b/': { name: 'keys-b', readOnly: true } } },
    received: ({ volumeMounts }) => volumeMounts.map(({ mountPath, readOnly }) => [mountPath, readOnly]),
    expected: [
      ['/mnt/a', false],
      ['/mnt/b', true],
    ],
    inside: 'echo x > /mnt/a/x && cat /mnt/a/x; echo x > /mnt/b/x || echo read-only',
    output: /^x\n[\s\S]*read-only\n$/,
  },
  hostVolume: {
    profile: { hostVolume: true },
    inside: 'until [ -d /mnt/state/workspace ]; do sleep 0.05; done; ls -A /mnt/state; echo $PIP_CACHE_DIR $HF_HOME',
    output: '.cache\ncheckpoints\ngit-repos\nworkspace\n/mnt/state/.cache/pip /mnt/state/.cache/huggingface\n',
  },
  offline: {
    profile: { offline: true },
    inside: 'ls /sys/class/net 2>/dev/null; cat /proc/net/route | wc -l',
    output: /(^|\n)1\n$/,
  },
  outboundCidrAllowlist: {
    profile: { outboundCidrAllowlist: [ALLOW_ALL] },
    received: ({ networkAccess }) => networkAccess?.allowedCidrs,
    expected: [ALLOW_ALL],
  },
  outboundDomainAllowlist: {
    profile: { outboundDomainAllowlist: ['*.example.com'] },
    received: ({ networkAccess }) => networkAccess?.allowedDomains,
    expected: ['*.example.com'],
  },
  inboundCidrAllowlist: {
    profile: { inboundCidrAllowlist: ['10.0.0.0/8'] },
    received: ({ inboundCidrAllowlist }) => inboundCidrAllowlist,
    expected: ['10.0.0.0/8'],
  },
  ports: {
    profile: { ports: [8000, { port: 8001, protocol: 'plain' }, { port: 8002, protocol: 'h2' }] },
    received: ({ openPorts }) =>
      openPorts?.ports.map(({ port, unencrypted, tunnelType }) => [port, unencrypted, Boolean(tunnelType)]),
    expected: [
      [8000, false, false],
      [8002, false, true],
      [8001, true, false],
    ],
  },
  keep: {
    profile: { keep: 'never' },
    received: ({ experimentalOptionsV2, idleTimeoutSecs }) => [experimentalOptionsV2, idleTimeoutSecs],
    expected: [{}, 600],
  },
  secrets: { profile: { secrets: ['keys-secret'] }, inside: 'echo $FROM_SECRET', output: 'hush\n' },
  env: { profile: { env: { A: 'it’s' } }, inside: 'echo "$A"', output: 'it’s\n' },
  envFile: { profile: { envFile: 'my.env', env: { B: 'env' } }, inside: 'echo "$A $B"', output: 'file one env\n' },
};

/** Keys that are tested elsewhere, or are only for display. */
const WITHOUT_CASE = [
  'description',
  'image',
  'ssh',
  'startOnSsh',
  'debugIdleTimeoutMs',
  'setup',
  'warm',
  'carryOver',
  'keepDays',
  'pull',
];

describe('Keys of a profile', () => {
  let server: RunningLocalModal;
  let path: string;
  let sessions: Sessions | undefined;

  before(async () => {
    server = await startLocalModal({ seed: { secrets: { 'keys-secret': { FROM_SECRET: 'hush' } } } });
    path = mkdtempSync(join(tmpdir(), 'profile-keys-'));
    writeFileSync(join(path, 'my.env'), 'A="file one" # a comment\nB=file\n');
  });
  afterEach(() => sessions?.dispose());
  after(async () => {
    await server.stop();
    rmSync(path, { recursive: true });
  });

  async function start(profile: object): Promise<Sandbox> {
    sessions = sessionsOf(
      starterOf(() => accountOf(server)),
      { image: 'python:3.13-slim', hostVolume: false, ...profile },
    );
    return (await sessions.acquire({ name: 'keys', path })).sandbox;
  }

  it('tests every key', () => {
    assert.deepEqual(
      Object.keys(profileJsonSchema().properties ?? {})
        .filter((key) => !WITHOUT_CASE.includes(key))
        .sort(),
      Object.keys(CASES).sort(),
    );
  });

  for (const [key, { profile, received, expected, inside, output }] of Object.entries(CASES)) {
    it(`${key} reaches the sandbox`, async () => {
      const sandbox = await start(profile);
      if (received) {
        const { sandboxes } = await server.control.running();
        const definition = sandboxes.find(({ id }) => id === sandbox.sandboxId)?.definition;
        assert.ok(definition);
        assert.deepEqual(received(definition), expected);
      }
      if (inside === undefined) return;
      const process = await sandbox.exec(['sh', '-c', inside]);
      const text = await process.stdout.readText();
      if (output instanceof RegExp) assert.match(text, output);
      else assert.equal(text, output);
    });
  }

  it('rejects a missing secret, volume, or environment file with a message', async () => {
    await assert.rejects(start({ secrets: ['no-such'] }), /Secret “no-such” doesn't exist in this account/);
    await assert.rejects(
      start({ volumes: { '/mnt/x': { name: 'no-such', createIfMissing: false } } }),
      /Volume “no-such” doesn't exist in this account/,
    );
    await assert.rejects(start({ envFile: 'none.env' }), /^UserError: Couldn't read the environment file “none\.env”/);
    await assert.rejects(
      start({ image: { buildSecrets: ['NOT_SET_ANYWHERE'] } }),
      /needs the variable NOT_SET_ANYWHERE, which is neither in the environment file nor set/,
    );
  });

  it('uses the first available type of a gpu list', async () => {
    const sandbox = await start({ gpu: ['H100', 'T4'] });
    const { sandboxes } = await server.control.running();
    const definition = sandboxes.find(({ id }) => id === sandbox.sandboxId)?.definition;
    assert.equal(definition?.resources?.gpuConfig?.gpuType, 'H100');
    await server.control.addFault({ method: 'SandboxCreate', code: 8, times: 1 });
    await sessions?.dispose();
    const other = await start({ gpu: ['B200', 'T4'] });
    const now = (await server.control.running()).sandboxes.find(({ id }) => id === other.sandboxId)?.definition;
    assert.equal(now?.resources?.gpuConfig?.gpuType, 'T4');
  });
});
