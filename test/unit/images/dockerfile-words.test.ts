// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles contain them
import assert from 'node:assert/strict';
import { parseDockerfile } from '../../../src/images/dockerfile/parse.ts';
import { assignments, expand, splitWords, UnknownVariable } from '../../../src/images/dockerfile/words.ts';

describe('Dockerfile words', () => {
  const values: Record<string, string> = { NAME: 'world', EMPTY: '', A: 'a' };
  const lookup = (name: string) => {
    if (name === 'UNKNOWN') throw new UnknownVariable(name);
    return values[name];
  };

  for (const [word, result] of [
    ['$NAME/x', 'world/x'],
    ['${NAME}s', 'worlds'],
    ['$ABSENT|', '|'],
    ['${ABSENT:-other}', 'other'],
    ['${EMPTY:-other}${EMPTY-kept}', 'other'],
    ['${ABSENT:-${NAME}}', 'world'],
    ['${NAME:+set}${ABSENT:+not}', 'set'],
    ["'$NAME' is", '$NAME is'],
    ['"$NAME"\\ \\$A', 'world $A'],
    [`"it's" '"$A"'`, `it's "$A"`],
    ['"a\\"b\\\\c\\d"', 'a"b\\c\\d'],
    ['C:\\\\$A', 'C:\\a'],
    ['100%$', '100%$'],
  ] as const) {
    it(`expands ${word} to ${result}`, () => assert.equal(expand(word, lookup), result));
  }

  it("rejects the base image's variables, required ones that aren't set, and unsupported substitutions", () => {
    assert.throws(() => expand('$UNKNOWN', lookup), UnknownVariable);
    assert.throws(() => expand('${ABSENT:?give it}', lookup), /ABSENT isn't set: give it\./);
    assert.throws(() => expand('${NAME/a/b}', lookup), /substitution that isn't supported/);
  });

  it('splits words at blanks outside quotes', () => {
    assert.deepEqual(splitWords(`a "b c" d\\ e 'f g'h`), ['a', '"b c"', 'd\\ e', "'f g'h"]);
  });

  it('parses pairs, and for ENV also a name followed by the rest of the line', () => {
    assert.deepEqual(assignments('ENV', 'A=1 B="x y" C='), [
      ['A', '1'],
      ['B', '"x y"'],
      ['C', ''],
    ]);
    assert.deepEqual(assignments('ENV', 'A the  rest = all'), [['A', 'the  rest = all']]);
    assert.deepEqual(assignments('ARG', 'A B=1'), [
      ['A', undefined],
      ['B', '1'],
    ]);
  });
});

describe('parseDockerfile', () => {
  const parse = (text: string) => parseDockerfile(Buffer.from(text), 'Dockerfile');

  it('returns line, flags, and one line of text for each instruction', () => {
    const [copy] = parse('\n# nothing\ncopy --chown=a:b \\\n  # in between\n\n  --chmod=1 x \\\n  y/\n');
    assert.deepEqual(copy, {
      file: 'Dockerfile',
      keyword: 'COPY',
      line: 3,
      text: 'x   y/',
      flags: [
        ['chown', 'a:b'],
        ['chmod', '1'],
      ],
      heredocs: [],
    });
  });

  it('keeps heredocs unchanged, also after a continued line', () => {
    const [run, next] = parse('RUN a && \\\n  b <<EOF <<-"X"\n  c \\\n# d\nEOF\n\t\te\n\tX\nUSER f');
    assert.equal(run?.text, 'a &&   b <<EOF <<-"X"');
    assert.deepEqual(run?.heredocs, [
      { content: '  c \\\n# d\n', expands: true },
      { content: 'e\n', expands: false },
    ]);
    assert.equal(next?.text, 'f');
  });

  it('rejects unknown and empty instructions with their line', () => {
    assert.throws(() => parse('FROM a\nRUM b'), /^UserError: Dockerfile:2: “RUM” isn't a Dockerfile instruction/);
    assert.throws(() => parse('FROM a\n\nRUN'), /^UserError: Dockerfile:3: RUN is empty/);
  });
});
