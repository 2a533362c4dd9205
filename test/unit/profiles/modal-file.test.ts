import { strict as assert } from 'node:assert';
import { MODAL_FILE, parseModalFile } from '../../../src/profiles/modal-file.ts';
import { modalFileProblems } from '../../../src/profiles/modal-file-problems.ts';
import { Profiles } from '../../../src/profiles/profiles.ts';
import { strings } from '../../../src/profiles/strings.ts';

/** The problems of a text, each with the part that is marked. */
function problems(text: string, exists = (_: string) => true) {
  return modalFileProblems(text, exists).map(({ message, offset, length, fix, isShownBySchema }) => ({
    at: text.slice(offset, offset + length),
    message,
    ...(fix && { fix: fix.newText }),
    isShownBySchema,
  }));
}

describe('modalFileProblems', () => {
  it('accepts comments and trailing commas', () => {
    const text = '{ // mine\n "default": "gpu", "profiles": { "gpu": { "gpu": "T4", }, }, }';
    const file = parseModalFile(text);
    assert.deepEqual(problems(text), []);
    assert.equal(file.default, 'gpu');
    assert.deepEqual([...file.profiles.keys()], ['gpu']);
  });

  it('marks a misspelled GPU type and suggests the right one', () => {
    assert.deepEqual(problems('{"profiles": {"a": {"gpu": "H1OO:2"}}}'), [
      {
        at: '"H1OO:2"',
        message: strings.unknownGpu('H100:2'),
        fix: '"H100:2"',
        isShownBySchema: false,
      },
    ]);
  });

  it('marks misspelled keys at any depth and suggests the right ones', () => {
    assert.deepEqual(
      problems('{"profiles": {"a": {"gpus": "T4", "image": {"aptt": ["git"]}, "xyzzy": 1}}}').map(({ at, fix }) => [
        at,
        fix,
      ]),
      [
        ['"aptt"', '"apt"'],
        ['"gpus"', '"gpu"'],
        ['"xyzzy"', undefined],
      ],
    );
  });

  it('marks only the wrong entry of a list', () => {
    assert.deepEqual(
      problems('{"profiles": {"a": {"gpu": ["T4", "B2O0"], "ports": [80, 90, 80]}}}').map(({ at }) => at),
      ['"B2O0"', '80'],
    );
  });

  it('reports a wrong type as one that the JSON schema reports, too', () => {
    assert.deepEqual(problems('{"profiles": {"a": {"cpu": "2"}}}'), [
      { at: '"2"', message: strings.typeNumber(), isShownBySchema: true },
    ]);
  });

  it("marks files that don't exist in the folder", () => {
    const text =
      '{"profiles": {"a": {"envFile": ".env", "image": {"dockerfile": "Dockerfile"}, "setup": {"commands": ["a"], "files": ["Dockerfile", "x"]}}}}';
    assert.deepEqual(
      problems(text, (path) => path === 'Dockerfile').map(({ at, message }) => [at, message]),
      [
        ['".env"', strings.missingFile('.env')],
        ['"x"', strings.missingFile('x')],
      ],
    );
  });

  it('reports invalid JSON, of which the readable part is used', () => {
    const text = '{"profiles": {"a": {"cpu": 2}}, "default" }';
    assert.equal(problems(text).length > 0, true);
    assert.deepEqual([...parseModalFile(text).profiles.keys()], ['a']);
  });

  it('accepts an empty file', () => {
    assert.deepEqual([...parseModalFile('').profiles], []);
  });
});

describe('Profiles', () => {
  const file = parseModalFile;

  it('merges the built-in, user, and folder profiles, with precedence for the folder', () => {
    const profiles = new Profiles({ all: { a: { cpu: 1 }, b: { cpu: 1 } } }, file('{"profiles": {"b": {"cpu": 2}}}'));
    assert.deepEqual(profiles.names, ['default', 'a', 'b']);
    assert.equal(profiles.get('a').profile.cpu, 1);
    assert.equal(profiles.get('b').profile.cpu, 2);
  });

  it('uses the selected profile, then the default of the folder, then the built-in one', () => {
    const profiles = new Profiles({ all: {} }, file('{"default": "b", "profiles": {"a": {}, "b": {}}}'));
    assert.equal(profiles.current('a'), 'a');
    assert.equal(profiles.current('gone'), 'b');
    assert.equal(new Profiles({ all: {} }).current(undefined), 'default');
  });

  it("refuses to use any profile while the default doesn't exist, or the file can't be read as a whole", () => {
    const refused = (text: string, chosen?: string) => () => new Profiles({ all: {} }, file(text)).inUse(chosen);
    assert.throws(refused('{"default": "gone", "profiles": {"a": {}}}'), {
      message: strings.unknownProfile('gone', 'default, a', MODAL_FILE),
    });
    assert.equal(refused('{"default": "gone", "profiles": {"a": {}}}', 'a')().name, 'a');
    for (const [text, problem] of [
      ['{"default": "a", "profiles": {"a": {}', strings.invalidJson('CloseBraceExpected')],
      ['{"default": a}', strings.invalidJson('InvalidSymbol')],
      ['<<<<<<< HEAD\n{}', strings.invalidJson('InvalidSymbol')],
    ] as const)
      assert.throws(refused(text, 'a'), { message: strings.unusableModalFile(MODAL_FILE, problem) }, text);
    for (const text of ['{"default": 5}', '{"profiles": []}', '[]', 'null'])
      assert.throws(refused(text), /^UserError: \.vscode\/modal\.json .*Fix it/, text);
    for (const text of ['', '\n', '{}', '// later\n{ "profiles": {}, }'])
      assert.equal(refused(text)().name, 'default', text);
  });

  it("counts a profile as the folder's if the folder's files define, change, or select it, and the user didn't", () => {
    const all = { own: {}, changed: {} };
    const profiles = new Profiles({ all, ofWorkspace: ['changed'] }, file('{"default": "own", "profiles": {"f": {}}}'));
    const origins = (names: string[]) => names.map((name) => profiles.get(name).origin);
    assert.deepEqual(origins(['default', 'own', 'changed', 'f']), ['user', 'user', 'folder', 'folder']);
    assert.deepEqual([profiles.inUse(undefined).name, profiles.inUse(undefined).origin], ['own', 'folder']);
    assert.equal(profiles.inUse('own').origin, 'user');
    assert.equal(new Profiles({ all }, file('{}')).inUse(undefined).origin, 'user');
  });

  it("counts a profile that a task names as the folder's, unless it is also the one that the user uses", () => {
    const profiles = new Profiles({ all: { production: {}, mine: {}, default: {} } }, file('{}'));
    const origin = (name: string, chosen?: string) => profiles.requested(name, chosen).origin;
    assert.deepEqual([origin('production', 'mine'), origin('production')], ['folder', 'folder']);
    assert.deepEqual([origin('mine', 'mine'), origin('default')], ['user', 'user']);
  });

  it('reports an invalid profile only when it is used, and names the place to fix it', () => {
    const profiles = new Profiles(
      { all: { u: { gpu: 1 }, v: { gpuu: 'H100' } } },
      file('{"profiles": {"a": {"timeoutMs": 5}, "b": {}}}'),
    );
    assert.throws(() => profiles.get('a'), {
      message: strings.invalidProfile('a', 'timeoutMs must be at least 1000', MODAL_FILE),
    });
    assert.throws(() => profiles.get('v'), {
      message: strings.invalidProfileInSettings('v', `it ${strings.unknownKeys(['gpuu'])}`),
    });
    assert.throws(() => profiles.get('u'), /the modal\.profiles setting/);
    assert.throws(() => profiles.get('c'), {
      message: strings.unknownProfile('c', 'default, u, v, a, b', MODAL_FILE),
    });
    assert.ok(profiles.get('b'));
  });
});
