import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage } from '../../../src/images/build.ts';
import type { BuildContext, ImageStore, StoredImage } from '../../../src/images/build-context.ts';
import { strings } from '../../../src/images/strings.ts';
import { imageOf, ProfileSchema } from '../../../src/profiles/schema.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { failureOf, inside } from './building.ts';

type ImageInput = NonNullable<Parameters<typeof ProfileSchema.parse>[0]>;

describe('buildImage', () => {
  let bench: Workbench;
  let folder: string;
  before(async () => {
    bench = await startWorkbench({ seed: { secrets: { login: { REGISTRY_USERNAME: 'me', REGISTRY_PASSWORD: 'x' } } } });
    folder = await mkdtemp(join(tmpdir(), 'image-build-'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
    await bench.server.stop();
  });

  const profile = (image: ImageInput | string) => imageOf(ProfileSchema.parse({ image }));
  /** A new window: a client without any state. */
  const inWindow = (more: Partial<BuildContext> = {}): BuildContext => ({
    client: bench.server.client(),
    app: bench.app,
    folderPath: folder,
    isLocal: true,
    variables: {},
    ...more,
  });
  const build = (image: ImageInput | string, more: Partial<BuildContext> = {}) =>
    buildImage(profile(image), inWindow(more));

  it('creates the folders of the built-in base, and logs what Local Modal skips', async () => {
    let log = '';
    const image = await build({}, { onLog: (text) => (log += text) });
    assert.equal(
      await inside(bench, image, 'ls -d /workspace; ls -A /mnt/state'),
      '/workspace\n.cache\ncheckpoints\ngit-repos\nworkspace\n',
    );
    assert.ok(log.includes(strings.localBase()));
  });

  it('passes commands and variables unchanged, whatever characters they contain', async () => {
    const odd = `it's "1" \\ $HOME \${x} \`id\` #;&`;
    const image = await build({
      registry: 'debian:12',
      env: { ODD: odd },
      commands: [
        'printf %s "$ODD" > /odd',
        "cat > /script <<'EOF'\nfirst \\\n  $second\nEOF\nprintf 'two\\nlines' >> /script",
        '[ -f /odd ] && echo "it\'s" > /test',
        'echo continued \\',
      ],
    });
    assert.equal(await inside(bench, image, 'cat /odd; printf "|%s" "$ODD"'), `${odd}|${odd}`);
    assert.equal(await inside(bench, image, 'cat /script /test'), "first \\\n  $second\ntwo\nlinesit's\n");
  });

  it('reports each layer before it begins, and forwards its log', async () => {
    const steps: string[] = [];
    let log = '';
    await build(
      { registry: 'debian:12', commands: ['echo first-said', 'echo second-said'] },
      {
        onProgress: ({ index, count, title }) => steps.push(`${index}/${count} ${title}`),
        onLog: (text) => (log += text),
      },
    );
    assert.deepEqual(steps, ['1/3 debian:12', '2/3 echo first-said', '3/3 echo second-said']);
    assert.match(log, /==> 2\/3[\s\S]*\nfirst-said\n[\s\S]*==> 3\/3[\s\S]*\nsecond-said\n/);
  });

  it('passes build secrets to commands, and keeps none in the image', async () => {
    const image = await build(
      { registry: 'debian:12', buildSecrets: ['TOKEN'], commands: ['printf %s "$TOKEN" | wc -c > /length'] },
      { variables: { TOKEN: 'hidden', OTHER: 'not named' } },
    );
    assert.equal(await inside(bench, image, 'cat /length; echo "<$TOKEN$OTHER>"'), '6\n<>\n');
  });

  it("names a build secret that isn't set", async () => {
    const error = await failureOf(build({ buildSecrets: ['A', 'B'], commands: ['true'] }, { variables: { A: '1' } }));
    assert.deepEqual(error.place, { key: 'buildSecrets', index: 1 });
    assert.equal(error.message, strings.buildSecretUnset('B'));
  });

  for (const [kind, registryAuthType] of [
    ['registry', 4],
    ['aws-ecr', 1],
    ['gcp-artifact-registry', 2],
  ] as const) {
    it(`signs in to a private registry with ${kind}`, async () => {
      const logins: unknown[] = [];
      const client = bench.server.client({
        grpcMiddleware: [
          (call, options) => {
            const { image } = call.request as { image?: { imageRegistryConfig?: unknown } };
            if (image) logins.push(image.imageRegistryConfig);
            return call.next(call.request, options);
          },
        ],
      });
      const tag = `private.example/${kind}:1`;
      await build({ registry: tag, registrySecret: { name: 'login', kind } }, { client });
      const { secretId } = await client.secrets.fromName('login');
      assert.deepEqual(logins, [{ registryAuthType, secretId }]);
      const error = await failureOf(build({ registry: tag, registrySecret: { name: 'absent', kind } }));
      assert.deepEqual(error.place, { key: 'registrySecret' });
    });
  }

  it('starts from a published image, and from a snapshot', async () => {
    const made = await build({ registry: 'debian:12', commands: ['echo base > /base'] });
    await made.publish('base');
    for (const base of [{ name: 'base' }, { snapshot: made.imageId }]) {
      const image = await build({ ...base, commands: ['cp /base /copy'] });
      assert.equal(await inside(bench, image, 'cat /copy'), 'base\n');
    }
    assert.equal((await failureOf(build({ name: 'nowhere' }))).title, 'nowhere');
    assert.deepEqual((await failureOf(build({ snapshot: 'im-nowhere' }))).place, { key: 'snapshot' });
  });

  it('resolves a published name for each build', async () => {
    const context = inWindow();
    const ids = [];
    for (const text of ['one', 'two']) {
      const made = await build({ registry: 'debian:12', commands: [`echo ${text} > /moved`] });
      await made.publish('moving:tag');
      assert.equal((await buildImage(profile({ name: 'moving:tag' }), context)).imageId, made.imageId);
      ids.push((await buildImage(profile({ name: 'moving:tag', commands: ['true'] }), context)).imageId);
    }
    assert.notEqual(ids[0], ids[1]);
  });

  it('reports the line in which a package manager says why it failed', async () => {
    for (const [said, reason] of [
      [
        'ERROR: No matching distribution found for nope\n[notice] A new release of pip is available',
        'ERROR: No matching distribution found for nope',
      ],
      [
        'npm error code E404\nnpm error 404 Not Found\nnpm error A complete log of this run can be found in: /x',
        'npm error 404 Not Found',
      ],
      ['E: Unable to locate package nope\n', 'E: Unable to locate package nope'],
    ]) {
      const error = await failureOf(
        build({ registry: 'debian:12', commands: [`printf '%s\\n' '${said?.replaceAll('\n', "' '")}'; exit 1`] }),
      );
      assert.ok(error.message.includes(`: ${reason}`), error.message);
    }
  });

  it('reports which layer failed, its place, and the last lines of the log', async () => {
    const commands = ['true', 'echo before; echo why >&2; exit 3'];
    const error = await failureOf(build({ registry: 'debian:12', commands }));
    assert.deepEqual(error.place, { key: 'commands', index: 1 });
    assert.equal(error.title, commands[1]);
    assert.match(error.message, /image\.commands\[1\].*exit code 3/);
    assert.ok(error.log.includes('before') && error.log.includes('why'), error.log.join('\n'));
  });

  describe('with Python packages', () => {
    // Instead of downloading packages, this uv records its arguments and input files.
    const uv = `#!/bin/sh
echo "uv $*" >> /asked
for file in requirements.txt more.txt pyproject.toml pylock.toml uv.lock; do if [ -f "$file" ]; then cat "$file" >> /asked; fi; done
[ "$1" != export ] || echo locked > requirements.txt`;
    let snapshot: string;
    before(async () => {
      const command = `cat > /usr/local/bin/uv <<'EOF'\n${uv}\nEOF\nchmod +x /usr/local/bin/uv`;
      snapshot = (await build({ registry: 'debian:12', commands: [command] })).imageId;
    });

    it('installs Python packages with any characters in their names', async () => {
      const image = await build({ snapshot, pip: ['numpy>=2', "odd ; $(touch /x) 'y'"] });
      const asked = await inside(bench, image, 'cat /asked; ls /x 2>&1 || true');
      assert.match(asked, /^uv pip install .* numpy>=2 odd ; \$\(touch \/x\) 'y'\n.*No such file/);
    });

    it('installs the packages of a requirements file and its includes, whose text is part of the layer', async () => {
      const requirements = '-r more.txt\nit\'s "odd" $HOME\n';
      await writeFile(join(folder, 'requirements.txt'), requirements);
      const context = inWindow();
      const ids = [];
      for (const text of ['# one\n', '# one\n', `# ${'x'.repeat(200_000)}\n`]) {
        await writeFile(join(folder, 'more.txt'), text);
        const image = await buildImage(profile({ snapshot, pipFrom: 'requirements.txt' }), context);
        ids.push(image.imageId);
        const asked = await inside(bench, image, 'cat /asked; ls -d /tmp/pip-from 2>&1 || true');
        assert.ok(asked.includes(`-r requirements.txt\n${requirements}${text}`));
        assert.match(asked, /No such file/);
      }
      assert.equal(ids[0], ids[1]);
      assert.notEqual(ids[1], ids[2]);
    });

    it('installs the packages of uv.lock, pyproject.toml, and pylock.toml, without the project', async () => {
      await writeFile(join(folder, 'pyproject.toml'), 'the project\n');
      await writeFile(join(folder, 'uv.lock'), 'the lock\n');
      const locked = await inside(bench, await build({ snapshot, pipFrom: 'uv.lock' }), 'cat /asked');
      assert.match(
        locked,
        /^uv export .*--frozen --no-emit-workspace.*\nthe project\nthe lock\nuv pip install .*\nlocked\n/,
      );
      const project = await inside(bench, await build({ snapshot, pipFrom: 'pyproject.toml' }), 'cat /asked');
      assert.match(project, /^uv pip install .* -r pyproject\.toml\nthe project\n$/);
      await writeFile(join(folder, 'pylock.toml'), 'the standard lock\n');
      const standard = await inside(bench, await build({ snapshot, pipFrom: 'pylock.toml' }), 'cat /asked');
      assert.match(standard, /^uv pip install .* -r pylock\.toml\nthe standard lock\n$/);
    });

    it('rejects a requirements file that refers to local files, and a missing one', async () => {
      await writeFile(join(folder, 'local.txt'), 'numpy\n-e .\n');
      const local = await failureOf(build({ snapshot, pipFrom: 'local.txt' }));
      assert.deepEqual(local.place, { file: 'local.txt', line: 2 });
      for (const name of ['Pipfile', 'environment.yml', 'poetry.lock']) {
        const { message } = await failureOf(build({ snapshot, pipFrom: name }));
        assert.equal(message, strings.unsupportedPackageFile(name));
      }
      const absent = await failureOf(build({ snapshot, pipFrom: 'absent.txt' }));
      assert.equal(absent.message, strings.fileMissing('absent.txt', 'image.pipFrom'));
    });
  });

  describe('for an image that was built before', () => {
    const image = () => profile({ registry: 'debian:12', commands: ['date +%N > /stamp'] });

    it('makes no call in the same window', async () => {
      const context = inWindow();
      const first = await buildImage(image(), context);
      await bench.server.control.resetCalls();
      const second = await buildImage(image(), context);
      assert.equal(second.imageId, first.imageId);
      assert.deepEqual(await bench.server.control.calls(), {});
    });

    it('makes one call in the next window, to check that the image still exists', async () => {
      const kept = new Map<string, StoredImage>();
      const store: ImageStore = {
        get: (key) => kept.get(key),
        set: (key, image) => void (image ? kept.set(key, image) : kept.delete(key)),
      };
      const first = await buildImage(image(), inWindow({ store }));
      await bench.server.control.resetCalls();
      const second = await buildImage(image(), inWindow({ store }));
      assert.equal(second.imageId, first.imageId);
      const { AuthTokenGet: _, ...calls } = await bench.server.control.calls();
      assert.deepEqual(calls, { ImageFromId: 1 });
      for (const [key, image] of kept) kept.set(key, { ...image, usableUntilMs: Date.now() });
      await bench.server.control.resetCalls();
      await buildImage(image(), inWindow({ store }));
      assert.equal((await bench.server.control.calls()).ImageGetOrCreate, 2, 'an expired image is requested again');
      await bench.modal.images.delete(first.imageId);
      assert.notEqual((await buildImage(image(), inWindow({ store }))).imageId, first.imageId);
    });

    it('rebuilds the image when forced', async () => {
      const context = inWindow();
      const first = await buildImage(image(), context);
      const forced = await buildImage(image(), { ...context, force: true });
      assert.notEqual(forced.imageId, first.imageId);
      assert.equal((await buildImage(image(), context)).imageId, forced.imageId);
    });
  });

  it('builds an image once for two windows at the same time', async () => {
    const commands = ['sleep 0.5; date +%N > /at-once'];
    const both = await Promise.all([1, 2].map(() => build({ registry: 'debian:12', commands })));
    assert.equal(new Set(both.map(({ imageId }) => imageId)).size, 1);
  });

  it('stops waiting when canceled, and continues for another caller that waits for the same image', async () => {
    const cancel = new AbortController();
    const context = inWindow();
    const image = profile({ registry: 'debian:12', commands: ['sleep 1; echo done > /done'] });
    const onLog = (text: string) => text.includes('sleep 1') && cancel.abort();
    const first = buildImage(image, { ...context, signal: cancel.signal, onLog });
    const second = buildImage(image, context);
    await assert.rejects(first, { name: 'AbortError' });
    assert.equal(await inside(bench, await second, 'cat /done'), 'done\n');
  });
});
