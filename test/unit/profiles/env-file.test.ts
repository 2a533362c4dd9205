// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are lines of environment files
import assert from 'node:assert/strict';
import { parseEnvFile } from '../../../src/profiles/env-file.ts';
import { strings } from '../../../src/profiles/strings.ts';

const read = (content: string | Uint8Array, known: Readonly<Record<string, string>> = {}) =>
  parseEnvFile('.env', typeof content === 'string' ? Buffer.from(content) : content, known);

// What `dotenv_values` of python-dotenv 1.2.4 returns for these files, in an empty environment.
const SAME_AS_PYTHON_DOTENV: readonly (readonly [file: string, values: Readonly<Record<string, string>>])[] = [
  ['PASS=p@ss#word', { PASS: 'p@ss#word' }],
  ['ACCENT=#ff8800', { ACCENT: '#ff8800' }],
  ['OPTIONS={"a": "x#y"}', { OPTIONS: '{"a": "x#y"}' }],
  ['HOST=db\nURL=postgres://${HOST}/x', { HOST: 'db', URL: 'postgres://db/x' }],
  ['URL=http://host/#part', { URL: 'http://host/#part' }],
  ['A=b # comment', { A: 'b' }],
  ['A=b\t#comment', { A: 'b' }],
  ['A=b#c # d', { A: 'b#c' }],
  ['A= # comment', { A: '' }],
  ['A= #comment', { A: '' }],
  ['A="b # c"', { A: 'b # c' }],
  ["A='b # c' # d", { A: 'b # c' }],
  ['A="b"#c', { A: 'b' }],
  ['A=', { A: '' }],
  ['A=\nB=1', { A: '', B: '1' }],
  ['A=""', { A: '' }],
  ["A=''", { A: '' }],
  ['  A = b  ', { A: 'b' }],
  ['A=b c  d', { A: 'b c  d' }],
  ['A=b=c==', { A: 'b=c==' }],
  ['# only\n\n  # comments\n', {}],
  ['', {}],
  ['export A=b', { A: 'b' }],
  ['export\tA="b"', { A: 'b' }],
  ["'A'=b", { A: 'b' }],
  ['A=1\r\nB=2\r\n', { A: '1', B: '2' }],
  ['A=1\rB=2', { A: '1', B: '2' }],
  ['\ufeffA=1', { A: '1' }],
  ['A="one\ntwo"\nB=3', { A: 'one\ntwo', B: '3' }],
  ["A='one\n  two'", { A: 'one\n  two' }],
  ['A="one\\ntwo\\t\\"x\\" \\\\n"', { A: 'one\ntwo\t"x" \\n' }],
  ["A='one\\ntwo \\'x\\' \\\\'", { A: "one\\ntwo 'x' \\" }],
  ['A=one\\ntwo', { A: 'one\\ntwo' }],
  ['A="\\d\\$"', { A: '\\d\\$' }],
  ['A=C:\\new\\table', { A: 'C:\\new\\table' }],
  ['A=`b c`', { A: '`b c`' }],
  ['A=b"c"', { A: 'b"c"' }],
  ["A=it's", { A: "it's" }],
  ['A=1\nA=2', { A: '2' }],
  ['A=1\nA=${A}2', { A: '12' }],
  ['A=$B', { A: '$B' }],
  ['A=pa$$word', { A: 'pa$$word' }],
  ['A=${B:-c d}', { A: 'c d' }],
  ['A=${B:-}', { A: '' }],
  ['B=\nA=${B:-c}', { B: '', A: '' }],
  ["B=1\nA='${B}'", { B: '1', A: '1' }],
  ['B=$&\nA="x${B}y"', { B: '$&', A: 'x$&y' }],
  ['A=${open', { A: '${open' }],
  ['A={"b": [1, 2], "c": {"d": "#e"}}', { A: '{"b": [1, 2], "c": {"d": "#e"}}' }],
  ['A=ü 漢 🙂', { A: 'ü 漢 🙂' }],
  ['A="-----BEGIN KEY-----\nMIIE/+==\n-----END KEY-----"', { A: '-----BEGIN KEY-----\nMIIE/+==\n-----END KEY-----' }],
];

describe('parseEnvFile', () => {
  it('reads long values with unfinished references in linear time', () => {
    for (const part of ['${', '${A:-', '${a:', '$', '${${a:x}'])
      assert.equal(read(`A=1\nX=${part.repeat(15_000)}`).X?.length, part.length * 15_000);
  });

  for (const [file, values] of SAME_AS_PYTHON_DOTENV)
    it(`reads ${JSON.stringify(file)} as python-dotenv does`, () => assert.deepEqual(read(file), values));

  it('reads UTF-16 with a byte order mark', () => {
    const little = Buffer.from('\ufeffA=ü#1\r\nB="x y"\r\n', 'utf16le');
    assert.deepEqual(read(little), { A: 'ü#1', B: 'x y' });
    assert.deepEqual(read(Buffer.from(little).swap16()), { A: 'ü#1', B: 'x y' });
  });

  it('refuses other encodings', () => {
    for (const content of [
      Buffer.from('A=ü', 'latin1'),
      Buffer.from('A=1', 'utf16le'),
      Buffer.from('A=1', 'utf16le').swap16(),
      Buffer.from('A=b\0c'),
      Buffer.from('\ufeffA=1', 'utf16le').subarray(0, -1),
    ])
      assert.throws(() => read(content), { name: 'UserError', message: strings.envFileEncoding('.env') });
  });

  const refused: readonly (readonly [string, (path: string, line: number) => string, number])[] = [
    ['A=1\nspring.datasource.url=x', strings.envFileName, 2],
    ['my-name=x', strings.envFileName, 1],
    ['1A=x', strings.envFileName, 1],
    ['A=1\n\n# c\nname: value', strings.envFileLine, 4],
    ['NAME', strings.envFileLine, 1],
    ['export NAME', strings.envFileLine, 1],
    ['=x', strings.envFileLine, 1],
    ['A=1\nset B 2', strings.envFileLine, 2],
    ['A=-----BEGIN KEY-----\nMIIE\n-----END KEY-----', strings.envFileLine, 2],
    ['A="one\ntwo"\nB="x', strings.envFileQuote, 3],
    ["A='it\\'s", strings.envFileQuote, 1],
    ['A="b" c', strings.envFileAfterQuote, 1],
    ['A="{"b": 1}"', strings.envFileAfterQuote, 1],
    ['A=1\r\nB=2\r\nC=${HOME}', strings.envFileReference, 3],
    ['B=${C}\nC=1', strings.envFileReference, 1],
    ['A=${constructor}', strings.envFileReference, 1],
  ];
  for (const [file, message, line] of refused)
    it(`refuses ${JSON.stringify(file)} with file and line`, () => {
      assert.throws(() => read(file), { name: 'UserError', message: message('.env', line) });
    });

  it('accepts an export of a variable that is set above', () => {
    assert.deepEqual(read('A=1\nexport A # for all\nB=2'), { A: '1', B: '2' });
  });

  it("takes the profile's variables before the lines above for references", () => {
    assert.deepEqual(read('A=1\nB=${A}${C}', { A: '2', C: '3' }), { A: '1', B: '23' });
  });

  it('refuses references that add up to more than a variable can hold', () => {
    const lines = Array.from({ length: 60 }, (_, at) => `A${at + 1}=\${A${at}}\${A${at}}`);
    assert.throws(() => read(['A0=xx', ...lines].join('\n')), {
      message: strings.envFileValueTooLong('.env', 18, 'A17'),
    });
  });
});
