import assert from 'node:assert/strict';
import { coloredText } from '../../../src/views/runs/colored-text.ts';

describe('The text of a stored output', () => {
  const styles = (output: string) => {
    const { text, ranges } = coloredText(output);
    return ranges.map(({ start, end, style: { decorations, ...colors } }) => [
      text.slice(start, end),
      ...Object.values(colors),
      ...decorations,
    ]);
  };

  it('has the colors and styles of the terminal at their places', () => {
    assert.equal(coloredText('\u001b[31mred\u001b[0m plain').text, 'red plain');
    assert.deepEqual(
      styles(
        '\u001b[31mred\u001b[0m plain \u001b[1;92mbold\u001b[22;39m \u001b[38;5;123mp\u001b[48;2;1;2;3mt\u001b[0m',
      ),
      [
        ['red', 1],
        ['bold', 10, 'bold'],
        ['p', 123],
        ['t', 123, '1, 2, 3'],
      ],
    );
  });

  for (const [what, output, expected] of [
    ['only the last state of a progress bar', ' 10%\r 50%\r100%\r\ndone\r\n', '100%\ndone\n'],
    ['the lines of a terminal', 'one\r\ntwo\r\n', 'one\ntwo\n'],
    [
      'no cursor movements, titles, or links',
      'a\u001b[2K\u001b]0;title\u0007b\u001b]8;;https://a.test\u0007c\u001b]8;;\u0007',
      'abc',
    ],
    ['no incomplete sequences', 'a\u001b[3', 'a3'],
    ['tabs', 'a\tb', 'a\tb'],
  ] as const)
    it(`has ${what}`, () => assert.equal(coloredText(output).text, expected));

  it('keeps the color of a line that was printed over', () => {
    assert.deepEqual(styles('\u001b[32m10%\r100%\u001b[0m'), [['100%', 2]]);
  });
});
