import { strict as assert } from 'node:assert';
import { parseModalFile } from '../../../src/profiles/modal-file.ts';
import { modalFileProblems } from '../../../src/profiles/modal-file-problems.ts';
import { Profiles } from '../../../src/profiles/profiles.ts';

/** Problems of a text, with the text they stand at. */
function problems(text: string, exists = (_: string) => true) {
  return modalFileProblems(text, exists).map(({ message, offset, length, fix, isShownBySchema }) => ({
    at: text.slice(offset, offset + length),
    message,
    ...(fix && { fix: fix.newText }),
    isShownBySchema,
  }));
}

describe('modal.json', () => {
  it('is read with comments and commas at the end', () => {
    const text = '{ // mine\n "default": "gpu", "profiles": { "gpu": { "gpu": "T4", }, }, }';
    const file = parseModalFile(text);
    assert.deepEqual(problems(text), []);
    assert.equal(file.default, 'gpu');
    assert.deepEqual([...file.profiles.keys()], ['gpu']);
  });

  it('tells a misspelt GPU at its place, with what was meant', () => {
    assert.deepEqual(problems('{"profiles": {"a": {"gpu": "H1OO:2"}}}'), [
      {
        at: '"H1OO:2"',
        message: 'must be a GPU that Modal rents; did you mean “H100:2”?',
        fix: '"H100:2"',
        isShownBySchema: false,
      },
    ]);
  });

  it('tells a misspelt key at its place, at any depth, with what was meant', () => {
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

  it('tells the one of a list that is wrong', () => {
    assert.deepEqual(
      problems('{"profiles": {"a": {"gpu": ["T4", "B2O0"], "ports": [80, 90, 80]}}}').map(({ at }) => at),
      ['"B2O0"', '80'],
    );
  });

  it('tells a wrong type once, where the JSON schema tells it too', () => {
    assert.deepEqual(problems('{"profiles": {"a": {"cpu": "2"}}}'), [
      { at: '"2"', message: 'must be a number', isShownBySchema: true },
    ]);
  });

  it('tells files that are not in the folder', () => {
    const text =
      '{"profiles": {"a": {"envFile": ".env", "image": {"dockerfile": "Dockerfile"}, "setup": {"commands": ["a"], "files": ["Dockerfile", "x"]}}}}';
    assert.deepEqual(
      problems(text, (path) => path === 'Dockerfile').map(({ at, message }) => [at, message]),
      [
        ['".env"', 'names “.env”, which is not in the workspace folder'],
        ['"x"', 'names “x”, which is not in the workspace folder'],
      ],
    );
  });

  it('tells that it is not JSON, and keeps what could be read', () => {
    const text = '{"profiles": {"a": {"cpu": 2}}, "default" }';
    assert.equal(problems(text).length > 0, true);
    assert.deepEqual([...parseModalFile(text).profiles.keys()], ['a']);
  });

  it('may be empty', () => {
    assert.deepEqual([...parseModalFile('').profiles], []);
  });
});

describe('the profiles of a folder', () => {
  const file = parseModalFile;

  it('are the built-in one, the user’s and the folder’s, of which the folder’s win', () => {
    const profiles = new Profiles({ a: { cpu: 1 }, b: { cpu: 1 } }, file('{"profiles": {"b": {"cpu": 2}}}'));
    assert.deepEqual(profiles.names, ['default', 'a', 'b']);
    assert.equal(profiles.get('a').profile.cpu, 1);
    assert.equal(profiles.get('b').profile.cpu, 2);
  });

  it('are used as chosen, else as the folder says, else as built in', () => {
    const profiles = new Profiles({}, file('{"default": "b", "profiles": {"a": {}, "b": {}}}'));
    assert.equal(profiles.current('a'), 'a');
    assert.equal(profiles.current('gone'), 'b');
    assert.equal(new Profiles({}).current(undefined), 'default');
  });

  it('are refused one by one, in a sentence that names the place', () => {
    const profiles = new Profiles(
      { u: { gpu: 1 }, v: { gpuu: 'H100' } },
      file('{"profiles": {"a": {"timeoutMs": 5}, "b": {}}}'),
    );
    assert.throws(() => profiles.get('a'), /“a” cannot be used: timeoutMs must be at least 1000\. Mend it in \.vscode/);
    assert.throws(() => profiles.get('v'), /“v” cannot be used: it has a key that is not known: gpuu\./);
    assert.throws(() => profiles.get('u'), /the setting modal\.profiles/);
    assert.throws(() => profiles.get('c'), /There is no profile “c”\. Choose one of default, u, v, a, b/);
    assert.ok(profiles.get('b'));
  });
});
