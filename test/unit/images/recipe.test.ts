// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles contain them
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { strings as baseStrings } from '../../../src/base/strings.ts';
import { recipeOf } from '../../../src/images/profile-recipe.ts';
import type { CopyStep, Recipe, Step } from '../../../src/images/recipe.ts';
import { recipeKey } from '../../../src/images/recipe-key.ts';
import { strings } from '../../../src/images/strings.ts';
import { imageOf, ProfileSchema } from '../../../src/profiles/schema.ts';

describe('recipeOf', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recipe-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const recipe = (image: object) =>
    recipeOf(imageOf(ProfileSchema.parse({ image })), { folderPath: folder, isLocal: false });
  async function files(all: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(all)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
  }
  const dockerfile = async (lines: string[], more: Record<string, string> = {}, image: object = {}) => {
    await files({ Dockerfile: lines.join('\n'), ...more });
    return recipe({ dockerfile: 'Dockerfile', ...image });
  };
  const commands = ({ steps }: Pick<Recipe, 'steps'>) =>
    steps.flatMap((step) => (step.kind === 'run' ? [step.commands] : []));
  const copied = (step: Step | undefined) =>
    (step as CopyStep).copies.map(({ from, to }) => [
      'entries' in from ? from.entries.map(({ name }) => name) : from.paths,
      to,
    ]);

  it('begins with the base for its Python version, tools, and folders', async () => {
    const { base, steps } = await recipe({ python: '3.13' });
    assert.deepEqual(base, { kind: 'registry', tag: 'python:3.13-slim-bookworm' });
    assert.deepEqual((await recipe({})).base, { kind: 'registry', tag: 'python:3.11-slim-bookworm' });
    const [apt = '', pip = '', mkdir = ''] = commands({ steps }).map((lines) => lines.join('\n'));
    for (const name of ['git', 'curl', 'wget', 'build-essential', 'libffi-dev', 'libssl-dev', 'zlib1g-dev', 'jq'])
      assert.ok(apt.includes(` ${name}`), name);
    for (const name of ['uv', 'requests', 'httpx', "'pydantic>=2'", 'python-dotenv', 'pyyaml'])
      assert.ok(pip.includes(` ${name}`), name);
    assert.equal(
      mkdir,
      'RUN mkdir -p /workspace /mnt/state/.cache /mnt/state/git-repos /mnt/state/checkpoints /mnt/state/workspace',
    );
  });

  it('copies no file that looks like a credential unless the line names the file itself, and says so', async () => {
    const more = {
      '.env': 'A=1',
      'main.py': '',
      'sub/server.pem': '',
      '.aws/credentials': '',
      'a.key': '',
      'b.key': '',
    };
    const all = await dockerfile(['FROM a', 'COPY . all', 'COPY * some/', 'COPY .aws aws', 'RUN true'], more);
    const names = (each: Recipe) => each.steps.flatMap((step) => (step.kind === 'copy' ? copied(step) : []));
    assert.deepEqual(names(all)[0], [['tree/.aws', 'tree/Dockerfile', 'tree/main.py', 'tree/sub'], 'all']);
    assert.doesNotMatch(JSON.stringify(names(all)), /env|pem|credentials|key/);
    assert.deepEqual(all.notes, [strings.credentialsNotCopied('.aws/credentials, .env, a.key, b.key, sub/server.pem')]);
    const some = await dockerfile(['FROM a', 'COPY .env *.key .aws/credentials all/', 'RUN true'], more);
    assert.deepEqual(names(some), [[['files/.env', 'files/a.key', 'files/b.key', 'files/credentials'], 'all/']]);
    assert.deepEqual(some.notes, []);
  });

  it('recognizes credentials by their folder and behind links, also below the build context', async () => {
    await files({ 'docker/Dockerfile': 'FROM a\nCOPY . .\nCOPY plain.txt p', '.env': '', 'docker/config': '' });
    await files({ 'docker/.ssh/config': '', 'docker/x.pem': '' });
    await symlink('x.pem', join(folder, 'docker/plain.txt'));
    const { notes } = await recipe({ dockerfile: 'docker/Dockerfile' });
    assert.deepEqual(notes, [strings.credentialsNotCopied('.ssh/config, x.pem')]);
    await files({ '.ssh/Dockerfile': 'FROM a\nCOPY id .', '.ssh/id': '' });
    await assert.rejects(recipe({ dockerfile: '.ssh/Dockerfile' }), /looks like a credential, so it isn't sent/);
  });

  it('puts no file that looks like a credential into a layer as a list of packages', async () => {
    await files({ 'more.txt': '-r .env', '.env': 'A=1' });
    const message = strings.credentialNotRead('.env', 'image.pipFrom');
    await assert.rejects(recipe({ pipFrom: '.env' }), { message });
    await assert.rejects(recipe({ pipFrom: 'more.txt' }), /\.env \(more\.txt:1\) looks like a credential/);
  });

  it('refuses a Dockerfile, a build context, and lists of packages that links lead out of the folder', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'outside-'));
    await writeFile(join(outside, 'Dockerfile'), 'FROM a');
    await writeFile(join(outside, 'requirements.txt'), 'rich\n');
    await files({ 'docker/Dockerfile': 'FROM a\nCOPY . .', 'more.txt': '-r linked.txt' });
    await symlink(join(outside, 'Dockerfile'), join(folder, 'Dockerfile'));
    await symlink(join(outside, 'requirements.txt'), join(folder, 'linked.txt'));
    await symlink(outside, join(folder, 'context'));
    const refused: [object, string][] = [
      [{ dockerfile: 'Dockerfile' }, 'Dockerfile'],
      [{ dockerfile: 'context/Dockerfile' }, 'context/Dockerfile'],
      [{ dockerfile: 'docker/Dockerfile', context: 'context' }, 'context'],
      [{ pipFrom: 'linked.txt' }, 'linked.txt'],
      [{ pipFrom: 'more.txt' }, 'linked.txt'],
    ];
    for (const [image, path] of refused)
      await assert.rejects(recipe(image), { name: 'UserError', message: baseStrings.leadsOutside(path) });
    await rm(outside, { recursive: true });
  });

  it('orders layers from least to most frequently changed', async () => {
    await files({ 'requirements.txt': 'rich\n' });
    const { steps } = await recipe({
      registry: 'debian:12',
      commands: ['one', 'two'],
      npm: ['typescript'],
      pipFrom: 'requirements.txt',
      pip: ['a', 'b', 'c', 'd', 'e'],
      apt: ['ffmpeg'],
      env: { A: '1' },
    });
    assert.deepEqual(
      steps.map(({ title }) => title),
      ['env: A', 'apt: ffmpeg', 'pip: a, b, c and 2 more', 'pip: requirements.txt', 'npm: typescript', 'one', 'two'],
    );
    assert.deepEqual(
      steps.map(({ place }) => ('key' in place ? place.key : '')),
      ['env', 'apt', 'pip', 'pipFrom', 'npm', 'commands', 'commands'],
    );
  });

  it('uses different cache keys for different layers, files, and secret names', async () => {
    const key = async (image: object, text = 'same') => {
      await files({ Dockerfile: 'FROM a\nCOPY data .', data: text });
      const parsed = imageOf(ProfileSchema.parse({ image }));
      return recipeKey(await recipe(image), parsed.buildSecrets, 'ap-1');
    };
    const docker = { dockerfile: 'Dockerfile' };
    assert.equal(await key(docker), await key(docker));
    const all = [
      await key(docker),
      await key(docker, 'other'),
      await key({ ...docker, commands: ['true'] }),
      await key({ ...docker, buildSecrets: ['TOKEN'] }),
      await key({ registry: 'a' }),
      await key({ registry: 'b' }),
    ];
    assert.equal(new Set(all).size, all.length);
  });

  it('rejects a variable with a line break', async () => {
    await assert.rejects(recipe({ env: { KEY: 'two\nlines' } }), { message: strings.envLineBreak('KEY') });
  });

  describe('for a Dockerfile', () => {
    it('repeats before each RUN what a builder forgets between layers', async () => {
      const made = await dockerfile(
        [
          'ARG TAG=24.04',
          'FROM ubuntu:$TAG',
          'ARG USER_NAME=app',
          'ARG TAG NONE',
          'ENV HOME_OF=$USER_NAME PATH=/opt/bin:$PATH',
          'SHELL ["/bin/bash", "-c"]',
          'RUN one',
          'USER $USER_NAME',
          'RUN two',
          'WORKDIR /srv',
          'CMD run',
        ],
        {},
        { buildArgs: { USER_NAME: 'me' } },
      );
      assert.deepEqual(made.base, { kind: 'registry', tag: 'ubuntu:24.04' });
      const common = ['ARG USER_NAME="me"', 'ARG TAG="24.04"', 'SHELL ["/bin/bash","-c"]'];
      assert.deepEqual(commands(made), [
        [...common, 'ENV HOME_OF="me" PATH=/opt/bin:$PATH', 'RUN one'],
        [...common, 'USER me', 'RUN two'],
        ['WORKDIR /srv'],
      ]);
      assert.deepEqual(made.notes, [strings.entrypointIgnored()]);
    });

    it('leaves COPY from an image to Modal', async () => {
      const made = await dockerfile([
        'FROM debian',
        'ARG VERSION=0.9',
        'COPY --from=ghcr.io/astral-sh/uv:$VERSION /uv /bin/',
        'COPY --from=tools ["/a b", "/c"]',
      ]);
      assert.deepEqual(commands(made), [
        ['COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /bin/'],
        ['COPY --from=tools ["/a b","/c"]'],
      ]);
    });

    it('combines adjacent copies in one step, relative to the working directory', async () => {
      const made = await dockerfile(
        ['FROM debian', 'COPY a .', 'WORKDIR /srv/app', 'COPY a b/c ./', 'COPY b /', 'COPY b lib', 'COPY . ..'],
        { a: '', 'b/c': '', 'b/d/e': '', '.dockerignore': 'Dockerfile\n.dockerignore' },
      );
      assert.deepEqual(copied(made.steps[0]), [
        [['files/a'], '.'],
        [['files/a', 'files/c'], '/srv/app/'],
        [['tree/c', 'tree/d', 'tree/d/e'], '/'],
        [['tree/c', 'tree/d', 'tree/d/e'], '/srv/app/lib'],
        [['tree/a', 'tree/b', 'tree/b/c', 'tree/b/d', 'tree/b/d/e'], '/srv/'],
      ]);
      assert.equal(made.steps.length, 2, 'the copies, and the working directory after them');
    });

    it('supports patterns and exceptions, and keeps parent folders on request', async () => {
      const tree = {
        'src/a.ts': '',
        'src/a.test.ts': '',
        'src/deep/b.ts': '',
        'docs/keep.md': '',
        'docs/other.md': '',
        'x[1].txt': '',
        '.dockerignore': 'docs/*\n!docs/keep.md\n',
      };
      const made = await dockerfile(
        [
          'FROM debian',
          'COPY --exclude=src/*.test.ts src/*.ts /one/',
          'COPY --parents src/deep docs /two/',
          'COPY x[[]1].t?t /three/',
          'COPY docs /four/',
        ],
        tree,
      );
      assert.deepEqual(copied(made.steps[0]), [
        [['files/a.ts'], '/one/'],
        [['tree/docs', 'tree/docs/keep.md', 'tree/src/deep', 'tree/src/deep/b.ts'], '/two/'],
        [['files/x[1].txt'], '/three/'],
        [['tree/keep.md'], '/four/'],
      ]);
    });

    it('keeps folders below a pivot, and finds files at any depth with --parents', async () => {
      const made = await dockerfile(
        [
          'FROM debian',
          'COPY --parents packages/./*/package.json /one/',
          'COPY --parents ./packages/a/./src /two/',
          'COPY --parents **/package.json /three/',
          'COPY package.json yarn.lock* /four/',
          'COPY --parents ./packages/b/package.json /five/',
          'COPY --parents packages/./a/./src/x /six/',
          'COPY --parents packages/./**/x /seven/',
          'COPY --parents=false packages/a/package.json /eight/',
          'COPY --parents packages/*/./package.json packages/?/./src /nine/',
          'COPY --parents packages/a/./**/x ./packages/./b /ten/',
          'COPY --parents --exclude=**/src packages/./* none/*/./x /eleven/',
          'COPY --parents packages/a/../b/./package.json /twelve/',
        ],
        { 'packages/a/package.json': '', 'packages/a/src/x': '', 'packages/b/package.json': '', 'package.json': '' },
      );
      const all = ['tree/package.json', 'tree/packages/a/package.json', 'tree/packages/b/package.json'];
      assert.deepEqual(copied(made.steps[0]), [
        [['tree/a/package.json', 'tree/b/package.json'], '/one/'],
        [['tree/src', 'tree/src/x'], '/two/'],
        [all, '/three/'],
        [['files/package.json'], '/four/'],
        [['tree/packages/b/package.json'], '/five/'],
        [['tree/a/src/x'], '/six/'],
        [['tree/a/src/x'], '/seven/'],
        [['files/package.json'], '/eight/'],
        [['tree/package.json', 'tree/src', 'tree/src/x'], '/nine/'],
        [['tree/b', 'tree/b/package.json', 'tree/src/x'], '/ten/'],
        [['tree/a', 'tree/a/package.json', 'tree/b', 'tree/b/package.json'], '/eleven/'],
        [['tree/package.json'], '/twelve/'],
      ]);
      assert.deepEqual(made.notes, [
        strings.nothingMatches('yarn.lock*', 'COPY', 5),
        strings.nothingMatches('none/*/./x', 'COPY', 12),
      ]);
    });

    it('names each file of several heredocs after its word', async () => {
      const made = await dockerfile([
        'FROM debian',
        'COPY <<robots.txt <<"humans.txt" /d/',
        'a',
        'robots.txt',
        'humans.txt',
      ]);
      assert.deepEqual(copied(made.steps[0]), [[['files/robots.txt', 'files/humans.txt'], '/d/']]);
    });

    it('keeps archives packed with ADD --unpack=false', async () => {
      const made = await dockerfile(['FROM debian', 'ADD --unpack=false x.tar /d/', 'ADD x.tar /e/'], { 'x.tar': '' });
      const [step] = made.steps;
      assert.ok(step?.kind === 'copy');
      assert.deepEqual(
        step.copies.map(({ unpack }) => unpack),
        [false, true],
      );
    });

    it('gives no value of an ENV line access to another one', async () => {
      const made = await dockerfile(['FROM debian', 'ENV A=1', 'ENV A=2 B=$A', 'ENV PATH=/x:$PATH C=$A', 'RUN one']);
      assert.deepEqual(commands(made), [['ENV A="1"', 'ENV A="2" B="1"', 'ENV PATH=/x:$PATH C="2"', 'RUN one']]);
      const more = await dockerfile([
        'FROM debian',
        'ARG X=x',
        'ENV X=y Y=$X Z=${Y:-none}',
        'ENV Y=${Y}z X=$Y$X',
        'RUN one',
      ]);
      assert.deepEqual(commands(more), [['ARG X="x"', 'ENV X="y" Y="x" Z=${Y:-none}', 'ENV Y="xz" X="xy"', 'RUN one']]);
    });

    it("names an ignore file that can't be used", async () => {
      await assert.rejects(dockerfile(['FROM debian', 'COPY . /x'], { '.dockerignore': 'a[' }), {
        message: `Dockerfile:2: ${strings.unusableIgnoreFile('.dockerignore', strings.invalidPattern('a['))}`,
      });
    });

    it("prefers a Dockerfile's own ignore file, and uses another context if specified", async () => {
      await files({
        'docker/app.Dockerfile': 'FROM debian\nCOPY . /all/',
        'docker/app.Dockerfile.dockerignore': 'secret',
        'web/.dockerignore': 'page',
        'web/page': '',
        'web/secret': '',
      });
      const made = await recipe({ dockerfile: 'docker/app.Dockerfile', context: 'web' });
      assert.deepEqual(copied(made.steps[0]), [[['tree/.dockerignore', 'tree/page'], '/all/']]);
    });

    for (const [lines, reason] of [
      [['FROM a', 'COPY ../x .'], /Dockerfile:2: \.\.\/x is outside the build context/],
      [['FROM a', 'COPY nothing .'], /Dockerfile:2: nothing doesn't exist in the build context/],
      [['FROM a', 'COPY x x /y'], /Dockerfile:2: COPY with several sources needs a folder/],
      [['FROM a', 'COPY <<one <<two /y', 'one', 'two'], /Dockerfile:2: COPY with several sources needs a folder/],
      [['FROM a', 'ENV A'], /Dockerfile:2: A isn't in the form NAME=value/],
      [['FROM a', 'ENV A=1 B'], /Dockerfile:2: B isn't in the form NAME=value/],
      [['FROM a', 'ENV =x'], /Dockerfile:2: =x isn't in the form NAME=value/],
      [['FROM a', 'ENV A=1 B=2 C'], /Dockerfile:2: C isn't in the form NAME=value/],
      [['FROM a', 'ENV A=1 =2'], /Dockerfile:2: =2 isn't in the form NAME=value/],
      [['FROM a', 'ARG =x'], /Dockerfile:2: =x isn't in the form NAME=value/],
      [['FROM a', 'USER a b'], /Dockerfile:2: USER takes one user/],
      [['FROM a AS 1a'], /Dockerfile:1: “1a” can't be the name of a stage/],
      [['FROM a', 'COPY $BASE_PATH .'], /Dockerfile:2: COPY uses \$BASE_PATH, which only the base image can set/],
      [['FROM a', 'ENV A=${PATH%:*}'], /Dockerfile:2: ENV uses \$PATH, which only the base image can set/],
      [['FROM a', 'ENV PATH=/x:${PATH} B=${PATH:-y}', 'ENV V=v1', 'ENV W=${V#v}'], /^$/],
      [['FROM a', 'COPY --from=later /x .', 'FROM b AS later', 'FROM a', 'COPY --from=later /x /y'], /^$/],
      [
        ['FROM a AS one', 'COPY --from=two /x .', 'FROM b AS two', 'COPY --from=one /x /y'],
        /Dockerfile:2: There's no stage “two” before this one/,
      ],
      [['RUN true'], /Dockerfile:1: RUN comes before the first FROM/],
      [['FROM $NONE'], /Dockerfile:1: \$NONE has no value/],
      [['FROM --platform=linux/arm64 a'], /Dockerfile:1: Modal runs only on linux\/amd64, not on linux\/arm64/],
      [['FROM a', 'RUN --network=none true'], /Dockerfile:2: Modal doesn't support RUN --network=none/],
      [['FROM a', 'ADD https://example.com/x.git /x'], /Dockerfile:2: Git repositories can't be added/],
      [['FROM a', 'SHELL bash'], /Dockerfile:2: SHELL takes a JSON array/],
      [
        ['FROM a', 'SHELL ["python3", "-c"]', 'RUN <<E', 'a', 'b', 'E'],
        /Dockerfile:3: Several lines can be passed only to a shell/,
      ],
      [['FROM a', 'COPY "x" /y'], /^$/],
      [['FROM a', 'COPY "two words" /y/'], /Dockerfile:2: A quotation mark in "two has no end/],
      [['FROM a', `COPY it's /y`], /Dockerfile:2: A quotation mark in it's has no end/],
      [['FROM a', 'RUN --mount=type=bind,sauce=x,target=/y a'], /Dockerfile:2: A mount doesn't take “sauce=x”/],
      [['FROM a', 'RUN --mount=type=cache,target a'], /Dockerfile:2: A mount doesn't take “target”/],
      [
        ['FROM a', 'RUN --mount=type=cache,target=$HOME/x a'],
        /Dockerfile:2: RUN uses \$HOME, which only the base image/,
      ],
      [['FROM a', 'RUN --mount=Type=TMPFS,Target=/y,size=1m a'], /^$/],
      [['FROM a', 'COPY x'], /Dockerfile:2: COPY takes a source and a destination/],
      [['ARG A=1'], /Dockerfile has no FROM/],
    ] as const) {
      const isFine = reason.source === '^$';
      it(`${isFine ? 'accepts' : 'rejects'} ${lines.join(' ⏎ ')}`, async () => {
        if (isFine) await dockerfile([...lines], { x: '' });
        else await assert.rejects(dockerfile([...lines], { x: '' }), { message: reason });
      });
    }
  });
});
