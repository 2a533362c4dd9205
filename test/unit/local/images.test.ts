import assert from 'node:assert/strict';
import { NotFoundError } from 'modal';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { skipUnless } from '../../helpers/skip.ts';

describe('Local Modal images', () => {
  let bench: Workbench;
  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());

  const from = (tag: string) => bench.modal.images.fromRegistry(tag);

  async function logOf(imageId: string): Promise<string> {
    let log = '';
    const request = { imageId, timeout: 5, includeLogsForFinished: true };
    for await (const { taskLogs } of bench.modal.cpClient.imageJoinStreaming(request)) {
      for (const { data } of taskLogs) log += data;
    }
    return log;
  }

  it("says in the first line of a build's log which programs the image uses", async () => {
    const [first = ''] = (await logOf(bench.image.imageId)).split('\n');
    assert.match(first, /this computer's own.*debian:12-slim/);
  });

  it('executes RUN on top of the layers below, with variables and the working directory', async () => {
    const image = await from('debian:12')
      .dockerfileCommands([
        'ENV GREETING=hello NAME="big world"',
        'WORKDIR /srv/app',
        'RUN echo $GREETING, $NAME > said',
      ])
      .dockerfileCommands(['RUN cat said > again && \\', '    rm said'])
      .build(bench.app);
    const sandbox = await bench.modal.sandboxes.create(bench.app, image);
    assert.equal(
      await bench.shell(sandbox, 'pwd; ls; cat again; echo $GREETING'),
      '/srv/app\nagain\nhello, big world\nhello\n',
    );
  });

  it('executes RUN as the USER, also in later layers and after a snapshot', async function () {
    skipUnless(this, process.getuid?.() === 0, 'Namespaces of an ordinary user have no other users.');
    const said = 'echo $(id -un):$(id -gn):$(id -G):$HOME >> /tmp/who';
    const made = await from('debian:12')
      .dockerfileCommands([
        'RUN groupadd --gid 4321 crew && useradd --uid 1234 --gid crew --groups tty --create-home sailor && touch /tmp/who && chmod 666 /tmp/who',
        'ARG WHO=sailor',
        'USER $WHO',
        `RUN ${said}`,
        'USER sailor:tty',
        `RUN ${said}`,
        'USER 77:88',
        'RUN echo $(id -u):$(id -G):$HOME >> /tmp/who',
        'WORKDIR /made/by/root',
        'USER 1234',
      ])
      .dockerfileCommands(['RUN [ "$(stat -c %u .)" = 0 ] && ! touch x 2> /dev/null'])
      .build(bench.app);
    const sandbox = await bench.modal.sandboxes.create(bench.app, made);
    assert.equal(
      await bench.shell(sandbox, 'id -un; cat /tmp/who'),
      'root\nsailor:crew:4321 5:/home/sailor\nsailor:tty:5:/home/sailor\n77:88:/\n',
    );
    const snapshot = await sandbox.snapshotFilesystem();
    const later = await snapshot
      .dockerfileCommands(['RUN id -u > /tmp/later', 'USER root', 'RUN id -u >> /tmp/later'])
      .build(bench.app);
    const other = await bench.modal.sandboxes.create(bench.app, later);
    assert.equal(await bench.shell(other, 'cat /tmp/later'), '1234\n0\n');
    await assert.rejects(
      from('debian:12').dockerfileCommands(['USER nobody-at-all', 'RUN true']).build(bench.app),
      /exit code 1/,
    );
  });

  it('builds an image once for the same lines and base image, and again with forceBuild', async () => {
    const lines = ['RUN date +%N > /stamp'];
    const first = await from('debian:12').dockerfileCommands(lines).build(bench.app);
    const second = await from('debian:12').dockerfileCommands(lines).build(bench.app);
    assert.equal(second.imageId, first.imageId);
    const forced = await from('debian:12').dockerfileCommands(lines, { forceBuild: true }).build(bench.app);
    assert.notEqual(forced.imageId, first.imageId);
  });

  it('shares one build between simultaneous requests', async () => {
    const lines = ['RUN sleep 0.3; date +%N > /same-time'];
    const all = await Promise.all([1, 2, 3].map(() => from('debian:12').dockerfileCommands(lines).build(bench.app)));
    assert.equal(new Set(all.map(({ imageId }) => imageId)).size, 1);
  });

  it("provides a build's secrets to RUN without storing them in the image", async () => {
    const secret = await bench.modal.secrets.fromObject({ BUILD_TOKEN: 'hidden' });
    const image = await from('debian:12')
      .dockerfileCommands(['RUN printf %s "$BUILD_TOKEN" | wc -c > /length'], { secrets: [secret] })
      .build(bench.app);
    const sandbox = await bench.modal.sandboxes.create(bench.app, image);
    assert.equal(await bench.shell(sandbox, 'cat /length; echo "<$BUILD_TOKEN>"'), '6\n<>\n');
  });

  it('reports the line of a build that failed, with its output in the log', async () => {
    const lines = ['RUN echo before', 'RUN echo why >&2; exit 3'];
    const failing = from('debian:12').dockerfileCommands(lines).build(bench.app);
    await assert.rejects(failing, (error: Error) => {
      assert.match(error.message, /exit code 3 in line: RUN echo why >&2; exit 3/);
      return true;
    });
    const message = await failing.then(String, (error: Error) => error.message);
    const imageId = /(im-\w+)/.exec(message)?.[1] ?? '';
    const log = await logOf(imageId);
    assert.match(log, /before\n[\s\S]*why\n/);
  });

  it('streams the log of a build while it runs', async () => {
    const { imageId } = await bench.modal.cpClient.imageGetOrCreate({
      appId: bench.app.appId,
      image: {
        dockerfileCommands: ['FROM base', 'RUN echo early; sleep 1.5; echo late'],
        baseImages: [{ dockerTag: 'base', imageId: bench.image.imageId }],
      },
    });
    const times = new Map<string, number>();
    for await (const { taskLogs } of bench.modal.cpClient.imageJoinStreaming({ imageId, timeout: 10 })) {
      for (const { data } of taskLogs) times.set(data.trim(), Date.now());
    }
    assert.ok((times.get('late') ?? 0) - (times.get('early') ?? 0) > 1000);
  });

  it('rejects Dockerfile lines that need uploaded files', async () => {
    const request = { appId: bench.app.appId, image: { dockerfileCommands: ['FROM debian', 'COPY a b'] } };
    await assert.rejects(bench.modal.cpClient.imageGetOrCreate(request), /INVALID_ARGUMENT.*COPY/);
  });

  it('finds an image by its ID until it is deleted', async () => {
    const image = await from('debian:12').dockerfileCommands(['RUN true']).build(bench.app);
    assert.equal((await bench.modal.images.fromId(image.imageId)).imageId, image.imageId);
    await bench.modal.images.delete(image.imageId);
    await assert.rejects(bench.modal.images.fromId(image.imageId), NotFoundError);
    await assert.rejects(bench.modal.images.delete(image.imageId), /No Image with ID/);
  });

  it('publishes images under names with revisions, and lists them by prefix in pages', async () => {
    const other = await from('debian:12').dockerfileCommands(['RUN echo other']).build(bench.app);
    for (let n = 0; n < 3; n++) await bench.image.publish(`listed:tag-${n}`);
    await other.publish('listed:tag-1');
    assert.equal((await bench.modal.images.fromName('listed:tag-1')).imageId, other.imageId);
    const list = (pageToken: string) =>
      bench.modal.cpClient.imageListTags({ tagPrefix: 'listed:', maxObjects: 2, pageToken });
    const first = await list('');
    const second = await list(first.nextPageToken);
    assert.deepEqual(
      [...first.items, ...second.items].map(({ tag }) => tag),
      ['listed:tag-0', 'listed:tag-1', 'listed:tag-2'],
    );
    assert.equal(second.nextPageToken, '');
    const { items } = await bench.modal.cpClient.imageTagRevisions({ tag: 'listed:tag-1' });
    assert.deepEqual(
      items.map(({ imageId }) => imageId),
      [other.imageId, bench.image.imageId],
    );
    await bench.modal.cpClient.imageNameDelete({ tag: 'listed:tag-1' });
    await assert.rejects(bench.modal.images.fromName('listed:tag-1'), NotFoundError);
  });
});
