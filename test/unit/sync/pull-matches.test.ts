import assert from 'node:assert/strict';
import { matchFiles } from '../../../src/sync/pull/pull-matches.ts';
import { strings } from '../../../src/sync/strings.ts';

describe('matchFiles', () => {
  for (const [what, bytes, shown] of [
    ['Latin-1', [0x63, 0xe9], 'c\ufffd'],
    ['half a character', [0xf0, 0x9f], '\ufffd'],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80], '\ufffd\ufffd\ufffd'],
    ['an overlong slash', [0xc0, 0xaf], '\ufffd\ufffd'],
    ['a code point beyond the last one', [0xf4, 0x90, 0x80, 0x80], '\ufffd\ufffd\ufffd\ufffd'],
    ['Shift JIS', [0x83, 0x65], '\ufffde'],
    ['GBK', [0xd6, 0xd0], '\ufffd\ufffd'],
    ['KOI8-R', [0xc1, 0xc2, 0xd7], '\ufffd\ufffd\ufffd'],
    ['UTF-16 with a mark', [0xff, 0xfe, 0x61], '\ufffd\ufffda'],
    ['a stray continuation', [0x61, 0x80, 0x62], 'a\ufffdb'],
    ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80], '\ufffd'.repeat(5)],
  ] as const)
    it(`leaves out a name with ${what}, and says why`, () => {
      const listing = Buffer.concat([Buffer.from('./out/'), Buffer.from(bytes), Buffer.from('.csv\0./out/x.csv\0')]);
      const { paths, refused, unmatched } = matchFiles(listing, ['out/*.csv'], '/workspace');
      assert.deepEqual(
        [paths, refused, unmatched],
        [['out/x.csv'], [{ path: `out/${shown}.csv`, reason: strings.notUtf8() }], []],
      );
    });

  it('keeps every valid name, also decomposed letters and replacement characters', () => {
    const names = [
      'e\u0301.csv',
      '\ufffd.csv',
      '😀.csv',
      'a\nb.csv',
      '\u202e.csv',
      '\u007f.csv',
      '\ufeff.csv',
      '\ufffe.csv',
      'ﬁ\u00a0.csv',
      '𐀀.csv',
    ];
    const { paths, refused } = matchFiles(
      Buffer.from(names.map((name) => `./${name}\0`).join('')),
      ['*'],
      '/workspace',
    );
    assert.deepEqual([paths, refused], [names, []]);
  });
});
