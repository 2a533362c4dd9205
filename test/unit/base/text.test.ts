import assert from 'node:assert/strict';
import { strings } from '../../../src/base/strings.ts';
import {
  cleanLine,
  cleanText,
  formatBytes,
  formatDuration,
  formatMinutes,
  stripEscapes,
  visibleName,
} from '../../../src/base/text.ts';

describe('Text formatting', () => {
  it('formats durations in suitable units', () => {
    assert.deepEqual([0.4, 45, 999.6, 2149, 59_949, 65_432, 3_725_000].map(formatDuration), [
      '0 ms',
      '45 ms',
      '1.0 s',
      '2.1 s',
      '1 min 0 s',
      '1 min 5 s',
      '1 h 2 min',
    ]);
  });

  it('formats sizes in suitable units', () => {
    assert.deepEqual([0, 999, 1000, 3_400_000, 5e15].map(formatBytes), [
      '0 B',
      '999 B',
      '1.0 KB',
      '3.4 MB',
      '5000.0 TB',
    ]);
  });

  it('formats times to the minute', () => {
    assert.deepEqual([-5, 59_999, 720_000, 3_720_000].map(formatMinutes), [
      'under 1 min',
      'under 1 min',
      '12 min',
      '1 h 2 min',
    ]);
  });

  it('formats counts with their nouns', () => {
    assert.deepEqual(
      [strings.files(1), strings.files(2000), strings.deletions(0)],
      ['1 file', '2,000 files', '0 deletions'],
    );
  });
});

describe('Text of others', () => {
  it('has no links when it is shown', () => {
    assert.equal(
      cleanLine('[Retry](command:modal.showLog) or [see](https://example.com "now")'),
      '[Retry] (command:modal.showLog) or [see] (https://example.com "now")',
    );
    assert.equal(cleanLine('[a]\u202e(\u0007command:modal.showLog)'), '[a] (command:modal.showLog)');
  });

  it('keeps code and paths that only look like links', () => {
    const text = 'handlers[0](x), Foo[int](y), app/[slug]/(group)/page.tsx';
    assert.equal(cleanLine(text), text);
  });

  it('has no control characters and no marks that reorder text', () => {
    const marks = '\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069';
    const controls = String.fromCharCode(
      ...Array.from({ length: 0xa0 }, (_, code) => code).filter((code) => code < 32 || code > 126),
    );
    assert.equal(cleanText(`a${marks}b`), 'ab');
    assert.doesNotMatch(cleanText(`a${controls}b`), /(?![\t\n])[\p{Cc}]/u);
    assert.doesNotMatch(cleanLine(`a${controls}b`), /\p{Cc}/u);
  });

  it('has no escape sequences', () => {
    assert.equal(cleanLine('\u001b[31mred\u001b[0m \u009b1mbold'), 'red bold');
    assert.equal(cleanLine('\u001b]0;title\u0007a\u001b]8;;https://x\u001b\\b\u001b]8;;\u001b\\c'), 'abc');
    assert.equal(cleanLine('An unfinished one: \u001b]hides nothing.'), 'An unfinished one: hides nothing.');
  });

  it('shows the control characters of names, so that no two names look the same', () => {
    const names = [
      'x\u001b]0;owned\u0007\u001b[2J',
      'x',
      'a\nb',
      'a b',
      '\u202egnp.py',
      'gnp.py',
      'd\u0000\u009b1m\u2028',
      'd',
    ];
    assert.deepEqual(names.map(visibleName), [
      'x\\x1b]0;owned\\x07\\x1b[2J',
      'x',
      'a\\nb',
      'a b',
      '\\u202egnp.py',
      'gnp.py',
      'd\\x00\\x9b1m\\u2028',
      'd',
    ]);
    assert.deepEqual(
      names.map((name) => cleanLine(visibleName(name))),
      names.map(visibleName),
    );
    const plain = '👩‍👩‍👧 שלום é\u0301 名前 \\x1b.txt';
    assert.equal(visibleName(plain), plain);
  });

  it('is a single line where there is room for only one', () => {
    assert.equal(cleanLine('a \r\n\t b\u2028c\vd'), 'a b c d');
    assert.equal(cleanText('a\r\nb\rc\n\n\td'), 'a\nb\nc\n\n\td');
  });

  it('keeps emoji, joined ones too, and letters of all languages', () => {
    const text = '👩‍👩‍👧 שלום été 名前 می‌خواهم';
    assert.equal(cleanLine(text), text);
  });

  it('keeps its start and end when it is too long', () => {
    const line = cleanLine(`It ends${'!'.repeat(1_000_000)}Run it again.`, 40);
    assert.equal(line.length, 40);
    assert.match(line, /^It ends!+…!*Run it again\.$/);
    assert.equal(cleanLine(line, 40), line);
    assert.equal(cleanText('\u0007'.repeat(1_000_000)), '…');
  });

  it('is never cut within a character', () => {
    for (let maxChars = 1; maxChars < 12; maxChars += 1) {
      const line = cleanLine('😀'.repeat(1000), maxChars);
      assert.ok(line.isWellFormed() && line.length <= maxChars, line);
    }
    assert.equal(cleanLine('a\ud83d'), 'a');
  });

  it('costs as much to clean at 50 MB as at 50 KB', () => {
    // Longer text isn't even looked at: reading it would show in the characters that are taken from it.
    let taken = 0;
    class Counted extends String {
      override slice(start?: number, end?: number): string {
        const part = super.slice(start, end);
        taken += part.length;
        return part;
      }
    }
    cleanLine(new Counted('\u001b]'.repeat(25_000_000)) as unknown as string);
    assert.ok(taken < 5000, `${taken}`);
  });

  it('loses escape sequences in linear time', () => {
    const text = '\u001b]0;['.repeat(300_000);
    assert.equal(stripEscapes(text).length, 900_000);
  });
});
