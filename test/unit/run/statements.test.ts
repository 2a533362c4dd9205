import assert from 'node:assert/strict';
import { linesToRun } from '../../../src/run/selection/statements.ts';

const PYTHON = `import os

# a comment
x = [
    1,

    2,
]
@decorator(
    1)
@other
def f(a):
    """Text

not code
    """
    if a:
        return 1
    # inside

    return 2


try:
    f(1)
except ValueError:
    pass
finally:
    pass
if x:
    pass

else:
    pass
y = '''
z'''; w = 1
last()`;

describe('linesToRun', () => {
  /** `first-last next`, starting at 0. */
  const of = (line: number, text = PYTHON, languageId = 'python') => {
    const lines = linesToRun(text, line, languageId);
    return lines && `${lines.first}-${lines.last} ${lines.next ?? 'end'}`;
  };

  it('returns all lines of a Python statement', () => {
    assert.equal(of(0), '0-0 3');
    for (const line of [3, 4, 5, 7]) assert.equal(of(line), '3-7 8', `line ${line}`);
    for (const line of [34, 35]) assert.equal(of(line), '34-35 36', `line ${line}`);
    assert.equal(of(36), '36-36 end');
  });

  it('returns the whole Python definition around a line, with its decorators', () => {
    for (const line of [8, 9, 10, 11, 12, 14, 16, 17, 18, 19, 20]) assert.equal(of(line), '8-20 23', `line ${line}`);
  });

  it('returns a Python statement with all its branches', () => {
    for (const line of [23, 24, 25, 26, 27, 28]) assert.equal(of(line), '23-28 29', `line ${line}`);
    for (const line of [29, 30, 32, 33]) assert.equal(of(line), '29-33 34', `line ${line}`);
  });

  it('returns the next code on an empty line or a comment, and nothing at the end', () => {
    assert.equal(of(1), '3-7 8');
    assert.equal(of(2), '3-7 8');
    assert.equal(of(21), '23-28 29');
    assert.equal(of(1, 'x\n'), undefined);
    assert.equal(of(0, ''), undefined);
  });

  it('returns a single line in other languages', () => {
    assert.equal(of(0, 'a b\n\nc', 'shellscript'), '0-0 2');
    assert.equal(of(1, 'a b\n\nc', 'shellscript'), '2-2 end');
    assert.equal(of(1, 'a\n\n', 'javascript'), undefined);
  });
});
