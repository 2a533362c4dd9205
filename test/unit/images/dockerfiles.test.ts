import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildImage } from '../../../src/images/build.ts';
import type { BuildContext } from '../../../src/images/build-context.ts';
import { strings } from '../../../src/images/strings.ts';
import { imageOf, ProfileSchema } from '../../../src/profiles/schema.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { failureOf, inside } from './building.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/dockerfiles', import.meta.url));

/** An unprivileged user namespace has no other users. */
const hasUsers = process.getuid?.() === 0;

describe('buildImage with a Dockerfile', () => {
  let bench: Workbench;
  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());

  const build = (name: string, image: object = {}, more: Partial<BuildContext> = {}) =>
    buildImage(imageOf(ProfileSchema.parse({ image: { dockerfile: 'Dockerfile', ...image } })), {
      client: bench.server.client(),
      app: bench.app,
      folderPath: join(fixtures, name),
      isLocal: true,
      variables: {},
      ...more,
    });

  it('builds a Python service with ARG before FROM, continued lines, .dockerignore, and working directories', async () => {
    const image = await build('python-service', { buildArgs: { PYTHON_VERSION: '3.13' } });
    const output = await inside(
      bench,
      image,
      'pwd; cat ../installed.txt; find .. ../../single ../../flat -type f | sort; echo $PATH',
    );
    assert.equal(
      output,
      `/srv/app/app
fastapi
for Python 3.13
../../flat/main.py
../../flat/two words.txt
../../single
../Dockerfile
../README.md
../app/main.py
../app/two words.txt
../installed.txt
../requirements-dev.txt
../requirements.txt
/srv/app/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
`,
    );
  });

  it('supports heredocs in RUN and COPY', async () => {
    const image = await build('heredocs', { buildArgs: { GREETING: 'good morning' } });
    assert.equal(
      await inside(bench, image, 'cd /out; cat said inner quoted python script'),
      'good morning, world\nwithin world\nits "quoted" \\ $PLACE\nfrom world\nafter\na script of its own\n',
    );
    assert.equal(
      await inside(bench, image, 'cat /etc/service.conf; cd /opt/tools; ./ONE; cat TWO'),
      'greeting = good morning\nprice = $5 "quoted" it\'s\nworld not replaced\nplace: world\n',
    );
  });

  it('builds only the stages that are needed, and copies their files with modes and links', async () => {
    const log: string[] = [];
    const image = await build('multi-stage', {}, { onProgress: ({ title }) => log.push(title) });
    assert.equal(
      await inside(
        bench,
        image,
        'cat /said /tested; cd /opt/tool; stat -c %a:%F tool alias share/empty; cat share/about',
      ),
      'the tool runs\ntested\n700:regular file\n777:symbolic link\n755:directory\nbuilt for amd64\n',
    );
    assert.equal(
      await inside(bench, image, 'ls /usr/local/share/*.txt /usr/local/share/tool'),
      '/usr/local/share/one.txt\n/usr/local/share/tool\n/usr/local/share/two.txt\n',
    );
    assert.ok(!log.some((title) => title.includes('exit 1')));
    const test = await build('multi-stage', { target: 'TEST' });
    assert.equal(await inside(bench, test, 'cat /tested; pwd'), 'tested\n/build\n');
  });

  it('runs ONBUILD only in the stage built on it', async () => {
    const image = await build('onbuild', { buildArgs: { BUILD: 'release' } });
    assert.equal(await inside(bench, image, 'cat started again'), 'release of {"name":"app"}\ndone\n');
  });

  it('supports SHELL, USER, owners, and modes', async () => {
    const image = await build('shell-and-user');
    const app = hasUsers ? 'app' : 'root';
    assert.equal(
      await inside(
        bench,
        image,
        'cat /shell /tmp/after /tmp/uid; echo $AFTER; pwd; stat -c %U:%G:%a data/secret.txt by-number by-root data',
      ),
      `bash\nCOPIED\n${hasUsers ? 1234 : 0}\ncopied\n/home/app\n${app}:${app}:640\n${app}:root:644\nroot:root:644\n${app}:${app}:755\n`,
    );
  });

  it('verifies URLs and unpacks archives of ADD', async () => {
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/three-a.txt' ? 200 : 404;
      response.end('aaa');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const buildArgs = { MIRROR: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
      const image = await build('add', { buildArgs });
      const output = await inside(
        bench,
        image,
        'cat /data/three-a.txt /data/renamed; echo; stat -c %a /data/*; cd /opt; find . -type f | sort; cat vendor/vendor/lib.txt',
      );
      assert.equal(
        output,
        'aaaaaa\n644\n600\n./both/plain.txt\n./both/vendor/lib.txt\n./vendor.tar.gz\n./vendor/vendor/lib.txt\nvendored\n',
      );
      const error = await failureOf(build('add', { buildArgs: { MIRROR: `${buildArgs.MIRROR}/nothing` } }));
      assert.deepEqual(error.place, { file: 'Dockerfile', line: 3 });
    } finally {
      server.close();
    }
  });

  it('mounts secrets, caches, and files, and leaves none of them in the image', async () => {
    const secrets = { buildSecrets: ['NPM_TOKEN', 'API_KEY'] };
    const image = await build('secret-mounts', secrets, { variables: { NPM_TOKEN: 'token', API_KEY: 'key' } });
    assert.equal(
      await inside(bench, image, 'cat length mode first installed; ls -A; echo "<$NPM_TOKEN$API_KEY$KEY>"'),
      '5\n440\nK\ninstalled locked\nfirst\ninstalled\nlength\nmode\n<>\n',
    );
    assert.ok(!(await inside(bench, image, 'cat /root-folder')).includes('dockerfile'));
    const error = await failureOf(
      build('secret-mounts', { buildSecrets: ['NPM_TOKEN'] }, { variables: { NPM_TOKEN: 'x' } }),
    );
    assert.deepEqual(error.place, { file: 'Dockerfile', line: 7 });
    assert.match(error.message, /Add the variable API_KEY to `buildSecrets`/);
  });

  it('accepts invalid UTF-8 in comments and in copied files', async () => {
    const image = await build('bytes');
    assert.equal(
      await inside(bench, image, 'cat /said; od -An -tx1 /data.bin'),
      'grüße ✓\n 00 ff fe 80 62 69 6e 61 72 79 0a\n',
    );
  });

  it('supports another escape character, Windows line endings, and a byte order mark', async () => {
    const image = await build('backtick');
    assert.equal(
      await inside(bench, image, 'cat /said /slash; echo; echo "$WINDOWS $CONTINUED"; ls'),
      'one two\nback\\slash\nC:\\Program Files yes\nsub\\\n',
    );
  });

  for (const [name, image, line, reason] of [
    ['bytes-refused', {}, 3, strings.notUtf8()],
    ['copy-from-image', {}, 2, strings.copyFromImageLocally('ghcr.io/astral-sh/uv:latest')],
    ['scratch', {}, 4, strings.fromScratch()],
    ['ssh-mount', {}, 3, strings.unsupportedMount('ssh')],
  ] as const) {
    it(`rejects ${name} before anything is built, with line and reason`, async () => {
      await bench.server.control.resetCalls();
      const error = await failureOf(build(name, image));
      assert.deepEqual(error.place, { file: 'Dockerfile', line });
      assert.equal(error.message, `Dockerfile:${line}: ${reason}`);
      const { AuthTokenGet: _, ...calls } = await bench.server.control.calls();
      assert.deepEqual(calls, {});
    });
  }

  it("builds a supported stage of a Dockerfile whose last stage isn't supported", async () => {
    assert.equal(await inside(bench, await build('scratch', { target: 'build' }), 'cat /program'), 'program\n');
  });

  it('reports a missing Dockerfile or stage at its key', async () => {
    assert.deepEqual((await failureOf(build('scratch', { dockerfile: 'Absent' }))).place, { key: 'dockerfile' });
    assert.deepEqual((await failureOf(build('scratch', { target: 'absent' }))).place, { key: 'target' });
  });

  describe('whose files were copied before', () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'dockerfile-'));
      await cp(join(fixtures, 'python-service'), folder, { recursive: true });
    });
    afterEach(() => rm(folder, { recursive: true }));
    const sandboxes = async () => (await bench.server.control.calls()).SandboxCreateV2 ?? 0;
    const again = (more: Partial<BuildContext> = {}) => build('', {}, { folderPath: folder, ...more });

    it('starts no sandbox in another window, and one for each changed copy and those after it', async () => {
      await writeFile(join(folder, 'app/main.py'), 'first()');
      const first = await again();
      await bench.server.control.resetCalls();
      await writeFile(join(folder, 'notes.md'), 'excluded by .dockerignore');
      assert.equal((await again()).imageId, first.imageId);
      assert.equal(await sandboxes(), 0);
      await writeFile(join(folder, 'app/main.py'), 'second()');
      const second = await again();
      assert.equal(await sandboxes(), 1);
      assert.equal(await inside(bench, second, 'cat main.py'), 'second()');
    });

    it('copies files once for two windows at the same time', async () => {
      await writeFile(join(folder, 'requirements.txt'), 'asked by two\n');
      await bench.server.control.resetCalls();
      const both = await Promise.all([again(), again()]);
      assert.equal(both[0].imageId, both[1].imageId);
      assert.equal((await bench.server.control.calls()).TaskSnapshotFilesystem, 2);
      assert.deepEqual((await bench.server.control.running()).sandboxes, []);
    });

    it('copies files again when forced', async () => {
      await again();
      await bench.server.control.resetCalls();
      await again({ force: true });
      assert.equal(await sandboxes(), 2);
    });

    it('leaves no sandbox when the build is canceled', async () => {
      await writeFile(join(folder, 'requirements.txt'), 'canceled\n');
      const cancel = new AbortController();
      const onLog = (text: string) => text.startsWith('COPY') && cancel.abort();
      await assert.rejects(again({ signal: cancel.signal, onLog }), { name: 'AbortError' });
      assert.deepEqual((await bench.server.control.running()).sandboxes, []);
    });

    it('fails when files change during the copy', async () => {
      const onLog = (text: string) => {
        if (text.includes('COPY requirements')) writeFileSync(join(folder, 'requirements.txt'), 'fastapX\n');
      };
      await writeFile(join(folder, 'requirements.txt'), 'changing\n');
      await assert.rejects(again({ onLog }), {
        message: strings.fileChanged('requirements.txt'),
      });
      assert.deepEqual((await bench.server.control.running()).sandboxes, []);
    });

    it("fails with the output of the sandbox when files can't be copied to their destination", async () => {
      await writeFile(join(folder, 'Dockerfile'), 'FROM debian\nRUN echo > /taken\nCOPY app /taken/\n');
      const error = await failureOf(again());
      assert.deepEqual(error.place, { file: 'Dockerfile', line: 3 });
      assert.match(error.message, /“COPY app \/taken\/” \(Dockerfile:3\) failed: mkdir: .*\/taken/);
      await writeFile(join(folder, 'Dockerfile'), 'FROM debian AS a\nFROM debian\nCOPY --from=a /none /x\n');
      assert.match((await failureOf(again())).message, /failed: \/none doesn't exist in the stage\./);
      if (!hasUsers) return;
      await writeFile(join(folder, 'Dockerfile'), 'FROM debian\nCOPY --chown=stranger app /app\n');
      assert.match((await failureOf(again())).message, /failed: chown: invalid user: .stranger/);
    });

    it('names files that a copy lacks', async () => {
      await rm(join(folder, 'app/main.py'));
      const error = await failureOf(again());
      assert.deepEqual(error.place, { file: 'Dockerfile', line: 23 });
      assert.match(error.message, /app\/main\.py doesn't exist in the build context/);
    });
  });
});
