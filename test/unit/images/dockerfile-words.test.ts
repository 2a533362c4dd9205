// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles contain them
import assert from 'node:assert/strict';
import { parseDockerfile } from '../../../src/images/dockerfile/parse.ts';
import { assignments, expand, splitWords, UnknownVariable } from '../../../src/images/dockerfile/words.ts';
import { strings } from '../../../src/images/strings.ts';

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
    // The same as BuildKit's `shell.Lex`.
    ['${ABSENT:-${EMPTY:-${NAME}}}', 'world'],
    [`\${ABSENT:-"a}b"}\${ABSENT:-'c}'}`, 'a}bc}'],
    ['${ABSENT:-{}}${NAME:-"}"}', '{}world'],
    ['${NAME-$UNKNOWN}${ABSENT+$UNKNOWN}', 'world'],
    ['$1A$$@', 'A@'],
    ['a\\', 'a'],
    ['${É}$É', ''],
  ] as const) {
    it(`expands ${word} to ${result}`, () => assert.equal(expand(word, lookup), result));
  }

  for (const [word, value, result] of [
    // As in BuildKit's documentation and tests.
    ['${V#f*b}', 'foobarbaz', 'arbaz'],
    ['${V##f*b}', 'foobarbaz', 'az'],
    ['${V%b*}', 'foobarbaz', 'foobar'],
    ['${V%%b*}', 'foobarbaz', 'foo'],
    ['${V/ba/fo}', 'foobarbaz', 'fooforbaz'],
    ['${V//ba/fo}', 'foobarbaz', 'fooforfoz'],
    ['${V#()[]{\\}^$.\\*\\?|\\\\}', '()[]{}^$.*?|\\x', 'x'],
    ['${V%%\\**}', 'xx**', 'xx'],
    ['${V%%\\**\\*}', 'a***yy*', 'a'],
    ['${V#*x*y}', 'xxyy', 'y'],
    ['${V#*}|${V#}|${V##}|${V%}', 'xxyy', 'xxyy|xxyy|xxyy|xxyy'],
    ['${V#$A}${V%%$EMPTY}', 'axa', 'xaaxa'],
    ['${V##*x}', 'xxyy', 'yy'],
    ['${V#?\\?}', '???y', '?y'],
    ['.${V%x}.', 'xxyy', '.xxyy.'],
    ['${V/\\*\\//.}|${V//\\*\\//.}', '/foo*/*/*.txt', '/foo.*/*.txt|/foo..*.txt'],
    ['${V/"/?/"//}|${V//"/?/"/"/"}', '/a/foo/b/c.txt', '/foo/b/c.txt|/foo/c.txt'],
    ['${V//\\//\\/}', '/tmp/foo.txt', '\\/tmp\\/foo.txt'],
    ['${V/$EMPTY/ww}|${V//$EMPTY/w}', 'xy', 'wwxy|wxwyw'],
    ['${V///}|${ABSENT///}', 'xxyy', 'xxyy|'],
    // Others
    ['${V%.tar.gz}/${V%%.*}/${V##*.}', 'app-1.2.tar.gz', 'app-1.2/app-1/gz'],
    ['v${V#v}', 'v1.2', 'v1.2'],
    ['${V//./-}${V/#x/y}', '1.2.3', '1-2-31.2.3'],
    ['"${V%/*}"/${V##*/}', '/opt/é日/bin', '/opt/é日/bin'],
    ['${V#?}${V%?}', '😀b', 'b😀'],
    ['${V//*/x}${V/*/}', 'abc', 'x'],
    ['${V%${V#?}}', 'abc', 'a'],
    ['${V:-${A%a}}${ABSENT:-${V%c}}', 'abc', 'abcab'],
    ['${ABSENT%x}${ABSENT/a/b}|', '', '|'],
    ['${V//a?/<?>}', 'abac-a', '<?><?>-a'],
    ['${V#*a*b}|${V##*a*b}|${V%b*a*}|${V%%b*a*}', 'aabbaabb', 'baabb||aab|aa'],
  ] as const) {
    it(`expands ${word} to ${result} where V is ${value}`, () =>
      assert.equal(
        expand(word, (name) => (name === 'V' ? value : lookup(name))),
        result,
      ));
  }

  it('expands patterns with many asterisks in reasonable time', () => {
    const value = 'ab'.repeat(5_000);
    const pattern = `${'*a'.repeat(40)}*c`;
    for (const word of [`\${V#${pattern}}`, `\${V%%c${pattern}}`, `\${V//${pattern}/x}`])
      assert.equal(
        expand(word, () => value),
        value,
        word,
      );
  });

  it("rejects the base image's variables, required ones that aren't set, and unsupported substitutions", () => {
    for (const word of ['$UNKNOWN', '${UNKNOWN%x}', '${UNKNOWN/a/b}', '${A#$UNKNOWN}'])
      assert.throws(() => expand(word, lookup), UnknownVariable, word);
    assert.throws(() => expand('${ABSENT:?give it}', lookup), /ABSENT isn't set: give it\./);
    for (const word of [
      '${}',
      '${NAME',
      '${ABSENT:-a',
      '${:-a}',
      '${NAME:#}',
      '${NAME:%%}',
      '${NAME//a}',
      '${NAME//}',
      '${NAME%a',
      '${NAME#\\x}',
      '${NAME^^}',
      '${NAME:1:2}',
      '${NAME=a}',
    ])
      assert.throws(() => expand(word, lookup), /substitution that isn't supported/, word);
    for (const word of [`it's`, '"a', '"a\\"', '${ABSENT:-"a}'])
      assert.throws(() => expand(word, lookup), { message: strings.openQuote(word) }, word);
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
    assert.deepEqual(assignments('ENV', '"A B"=1 C=2'), [
      ['"A B"', '1'],
      ['C', '2'],
    ]);
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
      { name: 'EOF', content: '  c \\\n# d\n', stripsTabs: false, expands: true },
      { name: 'X', content: '\t\te\n', stripsTabs: true, expands: false },
    ]);
    assert.equal(next?.text, 'f');
  });

  it('rejects unknown and empty instructions with their line', () => {
    assert.throws(() => parse('FROM a\nRUM b'), /^UserError: Dockerfile:2: “RUM” isn't a Dockerfile instruction/);
    assert.throws(() => parse('FROM a\n\nRUN'), /^UserError: Dockerfile:3: RUN is empty/);
  });

  // Each line is followed by USER f, which only an unterminated heredoc swallows.
  for (const [line, names] of [
    ["RUN echo 'v <<x'", []],
    ['RUN echo "usage: cat <<EOF" > /x', []],
    ['RUN ["sh", "-c", "cat <<EOF"]', []],
    ['RUN echo \\<\\<EOF > /x', []],
    ['RUN cat<<EOF', []],
    ['RUN cat <<< EOF', []],
    ["RUN awk 'BEGIN { print 1 <<2 }'", []],
    ["RUN echo it's <<EOF", []],
    ['CMD cat <<EOF', []],
    ['ENV A=<<EOF', []],
    ['RUN echo $(( 1 << 2 ))', []],
    ['COPY ["<<EOF", "/x"]', []],
    ['HEALTHCHECK CMD cat <<EOF', []],
    ['RUN cat << EOF\nEOF', ['EOF']],
    ['RUN (cat <<-\tEOF) 2>&1 <<two\ntwo', ['two']],
    ['RUN cat <<"E O F" <<E\\F\nE O F\nEF', ['E O F', 'EF']],
    ['RUN --mount=type=tmpfs,target=/x <<EOF bash -e\n  EOF\nEOF', ['EOF']],
    ['RUN cat <<EOF\nEOF', ['EOF']],
    ['RUN cat 0<<EOF 3<<two\nEOF\ntwo', ['EOF', 'two']],
    ['RUN cat <<END-OF-IT\nEOF\nEND-OF-IT', ['END-OF-IT']],
    ['RUN cat <<\\EOF\n$A\nEOF', ['EOF']],
    ["RUN cat <<-'EOF'\n\t\tx\n\tEOF", ['EOF']],
    ['COPY <<robots.txt <<humans.txt /srv/\na\nrobots.txt\nb\nhumans.txt', ['robots.txt', 'humans.txt']],
    ['COPY <<"a.txt" /srv/\na\na.txt', ['a.txt']],
    ['ADD <<EOF-1 /x\nEOF\nEOF-1', ['EOF-1']],
    ['ONBUILD RUN cat <<EOF\nONBUILD\nEOF', ['EOF']],
  ] as const) {
    it(`reads ${names.length === 0 ? 'no heredoc' : names.join(', ')} in ${line.split('\n')[0]}`, () => {
      const [first, next, ...others] = parse(`${line}\nUSER f`);
      const { heredocs } = first?.trigger ?? first ?? { heredocs: [] };
      assert.deepEqual(
        heredocs.map(({ name }) => name),
        names,
      );
      assert.deepEqual([next?.keyword, next?.text, others.length], ['USER', 'f', 0]);
    });
  }

  it('keeps line breaks and variables of a heredoc as Docker does', () => {
    const heredocs = (text: string) => parse(text)[0]?.heredocs.map(({ content, expands }) => [content, expands]);
    assert.deepEqual(heredocs('COPY <<EOF /x\r\na\r\n\r\nEOF\r\nUSER f\r\n'), [['a\r\n\r\n', true]]);
    assert.deepEqual(heredocs(`COPY <<\\a <<"b" <<-'c' /x/\na\nb\nc`), [
      ['', true],
      ['', false],
      ['', false],
    ]);
  });

  it('takes the escape character only from a directive', () => {
    const texts = (text: string) => parse(text).map((each) => each.text);
    for (const top of ['#escape=`\n', '# syntax=x\n  # ESCAPE = ` \n', '# check=skip=all\r\n#escape=`\r\n'])
      assert.deepEqual(texts(`${top}RUN a \`\n b`), ['a  b'], top);
    for (const top of [
      '\n# escape=`\n',
      '# a comment\n# escape=`\n',
      '# other=x\n# escape=`\n',
      '#!/bin/x\n# escape=`\n',
    ])
      assert.deepEqual(texts(`${top}RUN a \`\nUSER f`), ['a `', 'f'], top);
  });

  it('continues a line only after a single escape character', () => {
    const texts = (text: string) => parse(text).map((each) => each.text);
    assert.deepEqual(texts('RUN echo a\\\\\nUSER f'), ['echo a\\\\', 'f']);
    assert.deepEqual(texts('RUN a \\  \n  b\\\n\n# c\n  d\nUSER f'), ['a   b  d', 'f']);
    assert.deepEqual(texts('# escape=`\nRUN a `\n  b ``\nUSER C:\\f'), ['a   b ``', 'C:\\\\f']);
  });

  it('accepts invalid UTF-8 only in comments, also between continued lines', () => {
    const bytes = (text: string) => parseDockerfile(Buffer.from(text, 'latin1'), 'Dockerfile');
    assert.equal(bytes('# \xe9\nRUN a \\\n  # \xe9\n  b')[0]?.text, 'a   b');
    assert.throws(() => bytes('FROM a\nRUN \xe9'), { message: `Dockerfile:2: ${strings.notUtf8()}` });
    assert.equal(parse('RUN \ufffd')[0]?.text, '\ufffd');
  });

  for (const [lines, reason] of [
    ['RUN <<EOF\necho', strings.heredocWithoutEnd('EOF')],
    ['COPY <<-a <<b /x/\na\nB', strings.heredocWithoutEnd('b')],
    ['FROM --foo=bar x', strings.unknownFlag('FROM', 'foo')],
    ['WORKDIR --foo /x', strings.unknownFlag('WORKDIR', 'foo')],
    ['COPY --checksum=a b /x', strings.unknownFlag('COPY', 'checksum')],
    ['ONBUILD ONBUILD RUN a', strings.triggerNotAllowed('ONBUILD')],
    ['ONBUILD FROM a', strings.triggerNotAllowed('FROM')],
    ['# escape=x', strings.escapeDirective()],
    ['COPY --from a b /x', strings.flagWithoutValue('from')],
    ['COPY --chmod=644 --chmod=600 a b', strings.flagTwice('chmod')],
    ['COPY --link=maybe a b', strings.notTrueOrFalse('link', 'maybe')],
    ['ADD --unpack= a b', strings.notTrueOrFalse('unpack', '')],
    ['COPY --Link a b', strings.unknownFlag('COPY', 'Link')],
    ['RUN --mount a', strings.flagWithoutValue('mount')],
    ['RUN ["a", 1]', strings.notOnlyStrings()],
    ['LABEL a', strings.envWithoutValue('a')],
    ['LABEL a=1 b', strings.envWithoutValue('b')],
    ['HEALTHCHECK curl x', strings.healthcheckSyntax()],
    ['HEALTHCHECK NONE x', strings.healthcheckSyntax()],
    ['RUN\u00a0a', strings.unknownInstruction('RUN\u00a0a')],
  ] as const) {
    it(`rejects ${lines.split('\n')[0]}`, () =>
      assert.throws(() => parse(lines), { message: `Dockerfile:1: ${reason}` }));
  }

  it('accepts flags without a value, that repeat, and after a line break', () => {
    const flags = (text: string) => parse(text)[0]?.flags.map((flag) => flag.join('='));
    assert.deepEqual(flags('COPY --link --parents=TRUE --exclude=a --exclude="b c" x y'), [
      'link=',
      'parents=TRUE',
      'exclude=a',
      'exclude=b c',
    ]);
    assert.deepEqual(flags('RUN --mount=type=tmpfs,target=/a \\\n  --mount=type=tmpfs,target=/b \\\n  -- x'), [
      'mount=type=tmpfs,target=/a',
      'mount=type=tmpfs,target=/b',
    ]);
  });
});
