import { strict as assert } from 'node:assert';
import {
  idleTimeoutOf,
  imageOf,
  ModalFileSchema,
  ProfileSchema,
  privatePorts,
  publicPorts,
  volumeOf,
} from '../../../src/profiles/schema.ts';

/** The problems of a profile: `path: message`. */
function problems(profile: unknown): string[] {
  const parsed = ProfileSchema.safeParse(profile);
  return parsed.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}

describe('ProfileSchema', () => {
  it('defaults to the built-in image, a lifetime of four hours, and a host volume', () => {
    const profile = ProfileSchema.parse({});
    assert.equal(profile.timeoutMs, 14_400_000);
    assert.equal(idleTimeoutOf(profile), 300_000);
    assert.equal(profile.hostVolume, true);
    assert.deepEqual(imageOf(profile).apt, []);
  });

  it('accepts a registry tag as an image, a number as a port, and a name with a path as a volume', () => {
    const profile = ProfileSchema.parse({ image: 'alpine:3', ports: [8000], volumes: { '/mnt/a': 'data:/models' } });
    assert.equal(imageOf(profile).registry, 'alpine:3');
    assert.deepEqual(publicPorts(profile), [{ port: 8000, protocol: 'encrypted' }]);
    assert.deepEqual(Object.values(profile.volumes).map(volumeOf), [
      { name: 'data', subPath: '/models', readOnly: false, createIfMissing: true },
    ]);
  });

  it('tells private ports, which an offline sandbox can have, from public ones', () => {
    const dev = { port: 5173, visibility: 'private', label: 'Dev server', localPort: 9000 };
    const profile = ProfileSchema.parse({ ports: [8000, { port: 8001, protocol: 'h2' }, dev] });
    assert.deepEqual(publicPorts(profile), [
      { port: 8000, protocol: 'encrypted' },
      { port: 8001, protocol: 'h2' },
    ]);
    assert.deepEqual(privatePorts(profile), [dev]);
    assert.deepEqual(problems({ offline: true, ports: [dev] }), []);
  });

  const wrong: [string, unknown, RegExp][] = [
    [
      'a protocol of a private port',
      { ports: [{ port: 1, visibility: 'private', protocol: 'h2' }] },
      /ports.0.protocol/,
    ],
    ['a local port of a public port', { ports: [{ port: 1, localPort: 2 }] }, /ports.0.localPort: requires “visib/],
    ['an unknown key', { gpus: 'T4' }, /gpus/],
    ['a GPU without a count after the colon', { gpu: 'T4:' }, /gpu: must have a count of 1 or more .*“T4:2”/],
    ['no GPU of a type', { gpu: 't4:0' }, /gpu: must have a count of 1 or more/],
    ['a GPU count that is no number', { gpu: ['L4', 'A100-40GB:x'] }, /gpu.1: must have a count of 1 or more/],
    ['a misspelled GPU type with too many', { gpu: 'A1O:8' }, /gpu: .*did you mean “A10:4”/],
    ['a negative GPU count', { gpu: 'H100!:-1' }, /gpu: must have a count of 1 or more .*“H100!:2”/],
    ['a GPU count with a zero before it', { gpu: 'T4:01' }, /gpu: must have a count of 1 or more/],
    ['a GPU count with a blank before it', { gpu: 'T4: 2' }, /gpu: must have a count of 1 or more/],
    ['part of a GPU', { gpu: ['T4', 'B200+:0.5'] }, /gpu.1: must have a count of 1 or more .*“B200\+:2”/],
    ['a number as GPU', { gpu: 0 }, /gpu: must be a GPU type such as “T4” or “T4:2”, or a list/],
    ['working hours until 24:00', { warm: { workingHours: '00:00-24:00' } }, /workingHours: must be hours/],
    ['working hours from 24:00', { warm: { workingHours: '24:00-08:00' } }, /workingHours: must be hours/],
    ['working hours with a dash', { warm: { workingHours: '08:00–18:00' } }, /workingHours: must be hours/],
    ['working hours without length', { warm: { workingHours: '08:00-08:00' } }, /workingHours: must be hours/],
    ['a misspelled GPU type', { gpu: 'H1OO:2' }, /gpu: .*did you mean “H100:2”/],
    ['more GPUs than a sandbox can have', { gpu: 'A10:8' }, /gpu: must be at most A10:4/],
    ['a timeout beyond the limit', { timeoutMs: 90_000_000 }, /timeoutMs: .*24 hours/],
    ['a timeout of a fraction of a second', { timeoutMs: 1_500 }, /timeoutMs: must be in whole seconds/],
    ['kept files of warm sandboxes', { keep: 'exit', warm: {} }, /keep: must be “never”/],
    [
      'an idle timeout beyond the lifetime',
      { timeoutMs: 60_000, idleTimeoutMs: 120_000 },
      /idleTimeoutMs: must not be longer/,
    ],
    ['a duplicate port', { ports: [80, { port: 80, protocol: 'plain' }] }, /ports\.1: lists port 80 twice/],
    ['ports without network access', { offline: true, ports: [80] }, /ports: can't be public with “offline”/],
    ['an allowlist without network access', { offline: true, outboundCidrAllowlist: ['10.0.0.0/8'] }, /offline/],
    ['an invalid address range', { outboundCidrAllowlist: ['10.0.0'] }, /outboundCidrAllowlist\.0: must be an address/],
    ['a relative mount path', { volumes: { 'mnt/a': 'data' } }, /volumes\.mnt\/a: must start with/],
    ['two volumes at the same path', { volumes: { '/a': 'x', '/a/': 'y' } }, /volumes\.\/a\/: is mounted twice/],
    ['a volume at the path of the host volume', { volumes: { '/mnt/state': 'x' } }, /host volume/],
    ['a volume over the workspace', { volumes: { '/workspace': 'x' } }, /can't be a mount path/],
    ['an invalid volume name', { volumes: { '/a': 'x y' } }, /must be a volume name/],
    ['two bases for an image', { image: { registry: 'alpine', dockerfile: 'Dockerfile' } }, /one base/],
    ['a context without a Dockerfile', { image: { context: 'sub' } }, /image\.context: requires “dockerfile”/],
    ['a Dockerfile outside the folder', { image: { dockerfile: '../Dockerfile' } }, /inside the workspace folder/],
    ['an invalid variable name', { env: { 'A-B': 'x' } }, /env/],
    [
      'tokens of a Modal account among the variables of a build',
      { image: { buildSecrets: ['MODAL_TOKEN_SECRET'] } },
      /image\.buildSecrets\.0: must not be a token of a Modal account/,
    ],
    ['a limit without a reservation', { cpuLimit: 2 }, /cpuLimit: requires “cpu”/],
    [
      'a limit below the reservation',
      { memoryMiB: 4096, memoryLimitMiB: 1024 },
      /memoryLimitMiB: must not be less than/,
    ],
  ];
  for (const [what, profile, message] of wrong) {
    it(`rejects ${what}`, () => {
      assert.match(problems(profile).join('\n'), message);
    });
  }
});

describe('ModalFileSchema', () => {
  it('requires the default profile to exist', () => {
    assert.ok(ModalFileSchema.safeParse({ default: 'gpu', profiles: { gpu: { gpu: 'T4' } } }).success);
    assert.ok(!ModalFileSchema.safeParse({ default: 'gpu', profiles: {} }).success);
  });
});
