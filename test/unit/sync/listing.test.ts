import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { createGzip, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { readListing } from '../../../src/sync/remote/list-script.ts';
import { strings } from '../../../src/sync/strings.ts';

describe('readListing', () => {
  function listing(members: Readonly<Record<string, string | Buffer>>): ReturnType<typeof pack> {
    const archive = pack();
    for (const [name, content] of Object.entries({ ...members, whole: '' })) archive.entry({ name }, content);
    archive.finalize();
    return archive;
  }

  it('reads a list with or without signs of life before it, compressed or not', async () => {
    const plain = await buffer(listing({ gen: '1\n', names: './a\0./b c\0', stats: '81a4 1 2\n81a4 3 4\n' }));
    for (const output of [plain, gzipSync(plain)])
      for (const signs of ['', '\n', '\n\n\n']) {
        const read = await readListing(Buffer.concat([Buffer.from(signs), output]));
        assert.deepEqual([...(read?.paths.keys() ?? [])], ['a', 'b c']);
      }
    assert.equal((await readListing(Buffer.from('\nnone')))?.generation, 'none');
  });

  it('reports a list that was cut off or damaged as incomplete', async () => {
    const packed = gzipSync(await buffer(listing({ names: './a\0', stats: '81a4 1 2\n' })));
    for (const output of [packed.subarray(0, -20), Buffer.alloc(10_000, 1), Buffer.from('\n\n'), Buffer.alloc(0)])
      assert.equal(await readListing(output), undefined);
  });

  it('refuses a list that unpacks to more than its limit, without unpacking it', async () => {
    const zip = createGzip();
    listing({ names: Buffer.alloc(300_000_000) }).pipe(zip);
    const packed = await buffer(zip);
    assert.ok(packed.length < 1_000_000);
    await assert.rejects(readListing(packed), { message: strings.listTooLong() });
  });

  it('refuses a list of more paths than its limit', async () => {
    const packed = gzipSync(await buffer(listing({ names: Buffer.from('a\0'.repeat(3_000_000)) })));
    await assert.rejects(readListing(packed), { message: strings.listTooLong() });
  });
});
