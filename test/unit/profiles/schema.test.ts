import { strict as assert } from 'node:assert';
import { imageOf, ModalFileSchema, ProfileSchema, portOf, volumeOf } from '../../../src/profiles/schema.ts';

/** What is wrong with a profile: `path: message`. */
function problems(profile: unknown): string[] {
  const parsed = ProfileSchema.safeParse(profile);
  return parsed.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}

describe('A profile', () => {
  it('says nothing at all, and is a sandbox with the built-in image, four hours and a host volume', () => {
    const profile = ProfileSchema.parse({});
    assert.equal(profile.timeoutMs, 14_400_000);
    assert.equal(profile.idleTimeoutMs, 600_000);
    assert.equal(profile.hostVolume, true);
    assert.deepEqual(imageOf(profile).apt, []);
  });

  it('takes a registry tag for an image, a number for a port, and a name with a path for a volume', () => {
    const profile = ProfileSchema.parse({ image: 'alpine:3', ports: [8000], volumes: { '/mnt/a': 'data:/models' } });
    assert.equal(imageOf(profile).registry, 'alpine:3');
    assert.deepEqual(profile.ports.map(portOf), [{ port: 8000, protocol: 'encrypted' }]);
    assert.deepEqual(Object.values(profile.volumes).map(volumeOf), [
      { name: 'data', subPath: '/models', readOnly: false, createIfMissing: true },
    ]);
  });

  const wrong: [string, unknown, RegExp][] = [
    ['an unknown key', { gpus: 'T4' }, /gpus/],
    ['a misspelt GPU, with the one that was meant', { gpu: 'H1OO:2' }, /gpu: .*did you mean “H100:2”/],
    ['more of a GPU than one sandbox can have', { gpu: 'A10:8' }, /gpu: must be at most A10:4/],
    ['a time-out beyond Modal’s limit', { timeoutMs: 90_000_000 }, /timeoutMs: .*24 hours/],
    ['a time-out of half a second', { timeoutMs: 1_500 }, /timeoutMs: must be whole seconds/],
    [
      'an idle time-out beyond the life',
      { timeoutMs: 60_000, idleTimeoutMs: 120_000 },
      /idleTimeoutMs: must not be longer/,
    ],
    ['a port twice', { ports: [80, { port: 80, protocol: 'plain' }] }, /ports\.1: names port 80 a second time/],
    ['ports of a sandbox without a network', { offline: true, ports: [80] }, /ports: cannot be beside "offline"/],
    [
      'an allowlist of a sandbox without a network',
      { offline: true, outboundCidrAllowlist: ['10.0.0.0/8'] },
      /offline/,
    ],
    [
      'an address range that is none',
      { outboundCidrAllowlist: ['10.0.0'] },
      /outboundCidrAllowlist\.0: must be an address/,
    ],
    ['a relative mount path', { volumes: { 'mnt/a': 'data' } }, /volumes\.mnt\/a: must start with/],
    ['two volumes at one path', { volumes: { '/a': 'x', '/a/': 'y' } }, /volumes\.\/a\/: is mounted a second time/],
    ['a volume where the host volume is', { volumes: { '/mnt/state': 'x' } }, /host volume/],
    ['a volume over the workspace', { volumes: { '/workspace': 'x' } }, /cannot be mounted over/],
    ['a volume whose name Modal refuses', { volumes: { '/a': 'x y' } }, /must be a volume’s name/],
    ['two bases of one image', { image: { registry: 'alpine', dockerfile: 'Dockerfile' } }, /one base/],
    ['a context without a Dockerfile', { image: { context: 'sub' } }, /image\.context: needs "dockerfile"/],
    ['a Dockerfile outside the folder', { image: { dockerfile: '../Dockerfile' } }, /inside the workspace folder/],
    ['a variable that no shell could name', { env: { 'A-B': 'x' } }, /env/],
    ['a limit of what is not reserved', { cpuLimit: 2 }, /cpuLimit: needs "cpu" beside it/],
    ['a limit below what is reserved', { memoryMiB: 4096, memoryLimitMiB: 1024 }, /memoryLimitMiB: must not be below/],
  ];
  for (const [what, profile, message] of wrong) {
    it(`is refused with ${what}`, () => {
      assert.match(problems(profile).join('\n'), message);
    });
  }
});

describe('modal.json', () => {
  it('names a default profile that it has', () => {
    assert.ok(ModalFileSchema.safeParse({ default: 'gpu', profiles: { gpu: { gpu: 'T4' } } }).success);
    assert.ok(!ModalFileSchema.safeParse({ default: 'gpu', profiles: {} }).success);
  });
});
