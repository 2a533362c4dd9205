import assert from 'node:assert/strict';
import type { Sandbox } from 'modal';
import { type SearchHit, searchSandbox } from '../../../src/modal/sandbox-search.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';

describe('searchSandbox', () => {
  let bench: Workbench;
  let sandbox: Sandbox;
  before(async () => {
    bench = await startWorkbench();
    sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
  });
  after(() => bench.server.stop());

  const shell = (line: string) => bench.shell(sandbox, line);
  const search = async (folder: string, text: string, maxHits = 100, cancel = new AbortController()) => {
    const hits: SearchHit[] = [];
    const onHits = (some: readonly SearchHit[]) => hits.push(...some);
    const { isComplete } = await searchSandbox(sandbox, folder, text, { signal: cancel.signal, maxHits, onHits });
    return { hits: hits.sort((one, other) => (one.path < other.path ? -1 : 1)), isComplete };
  };

  it('finds literal text, case-sensitively only if it has capital letters', async () => {
    await shell('mkdir -p /case && printf "one\\nTwo: a.b\\ntwo axb\\n" > /case/file');
    assert.deepEqual(await search('/case', 'two'), {
      hits: [
        { path: '/case/file', line: 2, text: 'Two: a.b' },
        { path: '/case/file', line: 3, text: 'two axb' },
      ],
      isComplete: true,
    });
    assert.deepEqual((await search('/case', 'Two')).hits.length, 1);
    assert.deepEqual((await search('/case', 'a.b')).hits.length, 1);
    assert.deepEqual(await search('/case', '--none of it'), { hits: [], isComplete: true });
  });

  it('searches files with unusual names, and skips binary files, .git, and node_modules', async () => {
    await shell(`mkdir -p /odd/.git /odd/node_modules '/odd/a b' && cd /odd && for f in -e 'q"u' "a b/'" '💾' 'new
line' 'co:1:lon' .git/x node_modules/x; do echo "needle 1:2" > "./$f"; done; printf 'needle\\0' > binary; mkfifo pipe`);
    const { hits } = await search('/odd', 'needle');
    assert.deepEqual(
      hits.map(({ path }) => path),
      ['/odd/-e', "/odd/a b/'", '/odd/co:1:lon', '/odd/new\nline', '/odd/q"u', '/odd/💾'],
    );
    assert.ok(hits.every(({ line, text }) => line === 1 && text === 'needle 1:2'));
  });

  it('truncates very long lines and stops after the requested number of hits', async () => {
    await shell(
      'mkdir -p /long && cd /long && { echo "needle start"; head -c 3000000 /dev/zero | tr "\\0" x; echo " needle x"; echo "needle end"; } > long && yes needle | head -n 100000 > many',
    );
    const { hits } = await search('/long', 'needle ');
    assert.deepEqual(
      hits.map(({ line, text }) => [line, Math.min(text.length, 1000)]),
      [
        [1, 12],
        [2, hits[1]?.text.length ?? 0],
        [3, 10],
      ],
    );
    assert.ok((hits[1]?.text.length ?? 0) > 500 && (hits[1]?.text.length ?? 0) <= 1_000);
    const some = await search('/long', 'needle', 500);
    assert.deepEqual([some.hits.length, some.isComplete], [500, false]);
  });

  it('stops the search in the sandbox when it is canceled', async () => {
    await shell('mkdir -p /slow && cd /slow && head -c 400000000 /dev/zero | tr "\\0" "\\n" > big && ln big big2');
    const cancel = new AbortController();
    const searching = search('/slow', 'needle', 100, cancel);
    const greps = () => shell('ps -eo comm > /tmp/ps; grep -cx grep /tmp/ps || true');
    await waitFor('the search to start', 10_000, greps, (count) => Number(count) > 0);
    cancel.abort();
    await assert.rejects(searching, { name: 'AbortError' });
    await waitFor('the search to stop', 5_000, greps, (count) => Number(count) === 0);
  });

  it("reports a folder that doesn't exist", async () => {
    await assert.rejects(search('/not/there', 'x'), /^RemoteFileError: Search failed: .*not\/there/);
  });
});
