import assert from 'node:assert/strict';
import { checkImage, reportLines } from '../../../src/images/check.ts';
import { strings } from '../../../src/images/strings.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';

describe('checkImage', () => {
  let bench: Workbench;
  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());

  const derived = (lines: string[]) =>
    bench.modal.images.fromRegistry('debian:12').dockerfileCommands(lines).build(bench.app);

  it('reports size, tools, and Python packages, and terminates its sandbox', async () => {
    const version = `printf '#!/bin/sh\\necho uv 9.8.7 of a test\\n' > /usr/local/bin/uv; chmod +x /usr/local/bin/uv`;
    const site = "$(python3 -c 'import site; print(site.getsitepackages()[0])')";
    const info = `d=${site}/mine-1.5.dist-info; mkdir -p $d; printf 'Metadata-Version: 2.1\\nName: mine\\nVersion: 1.5\\n' > $d/METADATA`;
    const [plain, grown] = await Promise.all([
      checkImage(bench.modal, bench.app, bench.image),
      checkImage(
        bench.modal,
        bench.app,
        await derived([`RUN ${version}`, `RUN ${info}`, 'RUN head -c 50000000 /dev/urandom > /opt/data']),
      ),
    ]);
    const added = grown.sizeMb - plain.sizeMb;
    assert.ok(added >= 49 && added <= 52, `${added} MB more`);
    const tool = (name: string) => grown.tools.find((each) => each.name === name)?.version;
    assert.equal(tool('uv'), 'uv 9.8.7 of a test');
    assert.match(tool('python3') ?? '', /^Python 3\./);
    assert.ok(grown.packages.some(({ name, version }) => name === 'mine' && version === '1.5'));
    assert.ok(!plain.packages.some(({ name }) => name === 'mine'));
    assert.deepEqual((await bench.server.control.running()).sandboxes, []);
  });

  it('formats its report as lines, with a comment on the size', () => {
    const tools = [
      { name: 'git', version: 'git version 2.39.5' },
      { name: 'gcc', version: 'gcc (Debian 12.2.0-14) 12.2.0' },
      { name: 'jq', version: 'jq-1.6' },
      { name: 'uv', version: undefined },
    ];
    assert.deepEqual(reportLines({ sizeMb: 799, tools, packages: [{ name: 'httpx', version: '0.28.1' }] }), [
      strings.sizeWithinLimit(799, 800),
      '',
      'Tools:',
      '  git       2.39.5',
      '  gcc       12.2.0',
      '  jq        1.6',
      `  uv        ${strings.notInstalled()}`,
      '',
      'Python packages: 1',
      '  httpx 0.28.1',
    ]);
    assert.equal(reportLines({ sizeMb: 800, tools: [], packages: [] })[0], strings.sizeAboveLimit(800, 800));
  });
});
