// biome-ignore-all lint/suspicious/noTemplateCurlyInString: requirements files contain them
import assert from 'node:assert/strict';
import { pipFromStep } from '../../../src/images/pip-from.ts';
import { readRequirements } from '../../../src/images/requirements.ts';

describe('readRequirements', () => {
  // The same as pip 23.2's own parser.
  for (const [text, includes] of [
    ['-rbase.txt', [[1, 'base.txt']]],
    ['--pre -r a.txt', [[1, 'a.txt']]],
    ['-r "a b.txt"', [[1, 'a b.txt']]],
    ["-r 'a b.txt'", [[1, 'a b.txt']]],
    ['-r a\\ b.txt', [[1, 'a b.txt']]],
    ['-r a.txt -r b.txt', [[1, 'a.txt']]],
    ['numpy \\\n  ==1.0\n-r \\\n x.txt', [[3, 'x.txt']]],
    ['-r x.txt # comment', [[1, 'x.txt']]],
    [
      '--requirement=a.txt\n--requi b.txt\n-c c.txt',
      [
        [1, 'a.txt'],
        [2, 'b.txt'],
        [3, 'c.txt'],
      ],
    ],
    ['# -r no.txt\nnumpy#no', []],
    ['numpy -r x.txt', []],
    ['-e git+https://x/y.git -r x.txt', []],
    ['-i https://x -r a.txt', [[1, 'a.txt']]],
    ['--extra-index-url https://x --only-binary :all: -r a.txt', [[1, 'a.txt']]],
    [
      '--constraint c.txt\n-r d.txt -c e.txt',
      [
        [1, 'c.txt'],
        [2, 'd.txt'],
      ],
    ],
    ['a \\\n# c\n-r b.txt', [[3, 'b.txt']]],
    ['-r a.txt\r\nnumpy\r\n', [[1, 'a.txt']]],
    [
      'numpy\f-r a.txt\u2028-r b.txt',
      [
        [2, 'a.txt'],
        [3, 'b.txt'],
      ],
    ],
    [
      '-c=a.txt\n-r./sub/../b.txt',
      [
        [1, '=a.txt'],
        [2, './sub/../b.txt'],
      ],
    ],
    ['-r a.txt;x --hash=sha256:a', [[1, 'a.txt;x']]],
    ['-r ${DIR}/a.txt', [[1, '${DIR}/a.txt']]],
    ['-r https://x/a.txt', []],
  ] as const) {
    it(`includes ${includes.map(([, path]) => path).join(', ') || 'nothing'} with ${JSON.stringify(text)}`, () =>
      assert.deepEqual(
        readRequirements(text).flatMap((each) => (each.includes === undefined ? [] : [[each.line, each.includes]])),
        includes,
      ));
  }

  for (const line of [
    './x',
    '../x[extra]',
    '/opt/x.whl',
    'dist/x-1.0-py3-none-any.whl',
    'x-1.0-py3-none-any.whl',
    'x-1.0.tar.gz ; python_version > "3"',
    'libs/foo',
    'file:///x',
    'x @ file:./libs/x',
    'x[y] @ ./libs/x',
    '-e.',
    '-e ./x',
    '--editable=libs/x',
    '--no-index -f wheels',
    '--find-links ./wheels',
    '-fwheels',
    '-i ./simple',
    '--index-url=file:///opt/simple',
    '-i https://example.com/simple --extra-index-url ../simple',
    '~/x',
    'x.zip',
    '.[dev]',
    'x@./libs/x',
    '--no-index --find-links=wheels',
    'x.tar.xz',
    'x @ file:y ; python_version > "3"',
    './x y',
  ]) {
    it(`reports that ${line} refers to this computer`, () =>
      assert.notEqual(readRequirements(line)[0]?.localPath, undefined));
  }

  for (const line of [
    'numpy>=2,<3',
    'torch==2.4.0+cpu',
    'x[y]~=1.0 ; sys_platform == "linux"',
    'git+https://example.com/x.git@main#egg=x',
    'x @ git+ssh://git@example.com/x.git',
    'https://example.com/x-1.0.tar.gz',
    '-e git+https://example.com/x.git#egg=x',
    '-f https://example.com/wheels',
    '--index-url https://user:pass@example.com/simple --extra-index-url=https://example.org/simple',
    'x[y]@https://example.com/x.whl',
    'numpy==1.0 --hash=sha256:abc',
    '${INDEX}package',
    'x ; sys_platform == "a/b"',
    'x[a,b] >= 1 # ./y',
    '--pre --trusted-host ./x',
  ]) {
    it(`finds nothing on this computer in ${line}`, () =>
      assert.equal(readRequirements(line)[0]?.localPath, undefined));
  }
});

describe('readRequirements of long lines', () => {
  it('takes linear time', () => {
    for (const line of [
      `${' '.repeat(200_000)}x`,
      `a${'\t'.repeat(200_000)}`,
      `a ${'[['.repeat(100_000)}`,
      `x${'['.repeat(200_000)}]y`,
    ])
      assert.equal(readRequirements(line).length, 1);
  });
});

describe('pipFromStep', () => {
  it('finds what a file in UTF-16 includes, as pip does', async () => {
    const files: Readonly<Record<string, Buffer>> = {
      'a.txt': Buffer.from('\ufeffnumpy\r\n-r sub/b.txt\r\n', 'utf16le'),
      'sub/b.txt': Buffer.from('\ufeff-c c.txt\n', 'utf16le').swap16(),
      'sub/c.txt': Buffer.from('rich<14\n'),
    };
    const read: string[] = [];
    await pipFromStep('a.txt', async (path) => {
      read.push(path);
      return files[path] ?? Buffer.alloc(0);
    });
    assert.deepEqual(read, Object.keys(files));
  });
});
