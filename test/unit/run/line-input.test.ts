import assert from 'node:assert/strict';
import { LineInput } from '../../../src/run/line-input.ts';

function lineInput() {
  const seen = { screen: '', sent: [] as string[], ends: 0, interrupts: 0 };
  const lines = new LineInput({
    echo: (text) => (seen.screen += text),
    send: (text) => seen.sent.push(text),
    end: () => (seen.ends += 1),
    interrupt: () => (seen.interrupts += 1),
  });
  return { seen, lines };
}

/** Returns the line that a terminal shows after these bytes. */
function lineOf(screen: string): string {
  const cells: string[] = [];
  let column = 0;
  for (const char of screen) {
    if (char === '\b') column -= 1;
    else cells[column++] = char;
  }
  return cells.slice(0, column).join('');
}

describe('LineInput', () => {
  it('shows what is typed, and sends it as a line with Enter', () => {
    const { seen, lines } = lineInput();
    for (const key of 'héllo\r') lines.write(key);
    assert.deepEqual(seen, { screen: 'héllo\r\n', sent: ['héllo\n'], ends: 0, interrupts: 0 });
  });

  for (const [name, keys, line] of [
    ['the last character with Backspace', 'abx\u007fc', 'abc'],
    ['nothing with Backspace at the start', '\u007f\bab', 'ab'],
    ['the last word with Ctrl+W', 'one two  \u0017three', 'one three'],
    ['the line with Ctrl+U', 'one two\u0015three', 'three'],
    ['accented words with Ctrl+W', 'één, zwölf\u0017\u0017ñ', 'ñ'],
    ['more than there is with Ctrl+W and Ctrl+U', '\u0017\u0015\u007fa', 'a'],
    ['a control character and a tab with Backspace', 'a\u0001\t\u007f\u007fb', 'ab'],
  ] as const)
    it(`removes ${name}, on the screen, too`, () => {
      const { seen, lines } = lineInput();
      lines.write(keys);
      assert.equal(lineOf(seen.screen), line);
      lines.write('\r');
      assert.deepEqual(seen.sent, [`${line}\n`]);
    });

  it('removes a whole character of several code points with Backspace', () => {
    const { seen, lines } = lineInput();
    lines.write('ae\u0301\u007fb\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u007fc\r');
    lines.write('\u{1f1e9}\u{1f1ea}\u{1f44d}\u{1f3fd}\u007f\u007fd\r');
    lines.write('日本 語\u0017한\u0015글\r');
    assert.deepEqual(seen.sent, ['abc\n', 'd\n', '글\n']);
  });

  it('removes both columns of a wide character', () => {
    const { seen, lines } = lineInput();
    lines.write('日\u007f');
    assert.equal(seen.screen, '日\b\b  \b\b');
  });

  for (const [name, text] of [
    ['returns, as a terminal pastes them', 'one\rtwo\rthree'],
    ['newlines', 'one\ntwo\nthree'],
    ['both', 'one\r\ntwo\r\nthree'],
  ] as const)
    it(`sends pasted text with ${name} line by line, and keeps the last one to be completed`, () => {
      const { seen, lines } = lineInput();
      lines.write(text);
      assert.deepEqual(seen.sent, ['one\n', 'two\n']);
      lines.write('!\r');
      assert.deepEqual(seen.sent.at(-1), 'three!\n');
      assert.equal(seen.screen, 'one\r\ntwo\r\nthree!\r\n');
    });

  it('ends the input with Ctrl+D at the start of a line, and takes nothing after that except for Ctrl+C', () => {
    const { seen, lines } = lineInput();
    lines.write('one\r\u0004two\r\u0003');
    assert.deepEqual(seen, { screen: 'one\r\n^C\r\n', sent: ['one\n'], ends: 1, interrupts: 1 });
  });

  it('takes a return and a newline for one end of line, also in two events', () => {
    const { seen, lines } = lineInput();
    for (const text of ['one\r', '\n', '\n', 'two\n', '\r']) lines.write(text);
    assert.deepEqual(seen.sent, ['one\n', '\n', 'two\n', '\n']);
  });

  it('ends the input with Ctrl+D only at the start of a line: after one, the second ends it', () => {
    const { seen, lines } = lineInput();
    lines.write('a\u0004\u0004b\r');
    assert.deepEqual([seen.sent, seen.ends], [['a'], 1]);
  });

  it('sends the text before Ctrl+D without an end of line', () => {
    const { seen, lines } = lineInput();
    lines.write('name: \u0004');
    assert.deepEqual([seen.sent, seen.ends], [['name: '], 0]);
  });

  for (const [name, key] of [
    ['Ctrl+C', '\u0003'],
    ['Ctrl+\\', '\u001c'],
  ] as const)
    it(`interrupts with ${name}, and drops the line`, () => {
      const { seen, lines } = lineInput();
      lines.write(`abc${key}`);
      lines.write('d\r');
      assert.deepEqual([seen.interrupts, seen.sent], [1, ['d\n']]);
    });

  it('takes no notice of arrow and function keys, and of marks around pasted text, even in parts', () => {
    const { seen, lines } = lineInput();
    for (const text of ['a\u001b[A', '\u001b[1;5', 'D\u001bOP\u001b[200~b', '\u001b', 'c\u001b[201~\r'])
      lines.write(text);
    assert.deepEqual([seen.screen, seen.sent], ['abc\r\n', ['abc\n']]);
  });

  it('joins a character whose halves come in two events', () => {
    const { seen, lines } = lineInput();
    for (const text of ['a\ud83d', '\ude00', '\r']) lines.write(text);
    assert.deepEqual([seen.screen, seen.sent], ['a😀\r\n', ['a😀\n']]);
  });
});
