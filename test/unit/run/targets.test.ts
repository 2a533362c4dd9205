import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_PROJECTS } from '../../../src/run/projects.ts';
import { commandOf } from '../../../src/run/targets/command.ts';
import { findTargets } from '../../../src/run/targets/find.ts';
import { findJustRecipes } from '../../../src/run/targets/justfile.ts';
import { findMakeTargets } from '../../../src/run/targets/makefile.ts';
import { findPackageScripts } from '../../../src/run/targets/package-json.ts';
import { findPythonTargets } from '../../../src/run/targets/python.ts';
import type { Target } from '../../../src/run/targets/target.ts';
import { justCommand } from '../../helpers/just.ts';
import { skipUnless } from '../../helpers/skip.ts';

const python = (text: string) => findPythonTargets(text).map(({ kind, line }) => `${line} ${kind}`);
const named = (targets: Target[]) =>
  targets.map((target) => `${target.line} ${'name' in target ? target.name : target.kind}`);

describe('findPythonTargets', () => {
  it('finds the main guard, however it is written', () => {
    assert.deepEqual(python('import x\nif __name__ == "__main__":\n    x()\n'), ['1 pythonGuard']);
    for (const guard of [
      "if '__main__'==__name__ :",
      'if (__name__ == "__main__"):',
      'if( __name__ == "__main__" ):',
      'if __name__ == "__main__" and not sys.flags.interactive:',
      'if __name__ == "__main__": main()',
      'if __name__ in {"__main__", "builtins"}:',
      'if not TYPE_CHECKING and (__name__ == "__main__"):',
      "if ((__name__ == '''__main__''')):",
      'if (\n    __name__ == "__main__"\n):',
      'elif "__main__" in __name__:',
      'if \\\n  __name__ == "__main__":',
      "if __spec__ is None and __name__ == r'__main__':",
      'if (name := __name__) == "__main__" or FORCE:',
      'if (__name__) == ("__main__"):  # pragma: no cover',
    ])
      assert.deepEqual(python(`${guard}\n`), ['0 pythonGuard'], guard);
    for (const other of [
      'if __name__ == "__mp_main__":',
      'if name == "__main__":',
      'if __name__ != "__main__":',
      'if not (__name__ == "__main__"):',
      'if x == "__main__" and __name__:',
    ])
      assert.deepEqual(python(`${other}\n`), [], other);
  });

  it('finds the main function, even if it is async', () => {
    assert.deepEqual(python('def main():\n  pass\n\nasync def main (a=1):\n  pass\n'), [
      '0 pythonMain',
      '3 pythonMain',
    ]);
  });

  it('takes a main function that the file calls itself for a guard, so that it runs once', () => {
    for (const call of [
      'main()',
      'sys.exit(main())',
      'asyncio.run(main())',
      'trio.run(main)',
      'result = main(1)',
      'try:\n    main()\nexcept KeyboardInterrupt:\n    pass',
      'with app:\n    main()',
      'asyncio.run(\n    # started once\n    main(),\n    debug=True,\n)',
      'with a, \\\n  b: main()',
      'fire.Fire({"m": main})',
      'Pool().map(main if fast else other, [1])',
      'Thread(target=main).start()',
      'print(f"{main()}")',
      "print(rf'''\n{x:>{main()}}\n''')",
      'main.main(standalone_mode=False)',
      'main.remote()',
      'with app.run():\n    main.local(3)',
      'main.serve(name="deployment")',
      'raise SystemExit(main())',
      'mp.spawn(main, nprocs=2)',
      'match 1:\n  case 1:\n    main()',
      'try:\n    if __name__ == "__main__":\n        main()\nfinally:\n    pass',
      'curses.wrapper(\n    main\n)',
    ])
      assert.deepEqual(python(`def main(a=1):\n  main()\n\n${call}\n`), ['0 pythonGuard'], call);
    for (const call of [
      'print("main()")',
      'x.main()',
      'from x import main, y',
      '# main()',
      'domain()',
      'def other():\n    main()',
      'print(f"{x} main()", f"{{main()}}")',
      'usage = (\n    "main()"\n    # main()\n)',
      'Config(main=1)',
      'main = click.command()(main)',
      '__all__ = [main.__name__]',
      'main.add_command(other)',
      'main.params = []',
      '@registered(main)\ndef f(): ...',
      'del main',
    ])
      assert.deepEqual(python(`def main():\n  pass\n${call}\n`), ['0 pythonMain'], call);
  });

  it('finds a main function only if it can be called without arguments', () => {
    for (const parameters of [
      '',
      'a=1',
      'a: int = 1, *, b="x, y"',
      '*args, **options',
      'a=(1, 2), b={"c": [1]}',
      '\n    a=1,  # b, c\n    b: dict[str, int] = None,\n',
      'a: Annotated[int, typer.Option("-a")] = 3',
      'a: Literal["="] = "=", /, *, b=lambda x: x',
      'a="\\"", *, b: Callable[[int], str] = f(1, 2)',
    ])
      assert.deepEqual(python(`def main(${parameters}):\n  pass\n`), ['0 pythonMain'], parameters);
    for (const parameters of [
      'a',
      'a, b=1',
      'a: int',
      '*, a',
      'a: "=1"',
      'a, /',
      'a: X[b == c]',
      'a: Literal["=", ","]',
      'b=1, *a, c',
      '\n    a,\n    b=1,\n',
    ])
      assert.deepEqual(python(`def main(${parameters}):\n  pass\n`), [], parameters);
    for (const types of ['[T]', '[T: (int, list[str]), *Ts]', '[\n    T,\n] ']) {
      assert.deepEqual(python(`def main${types}(a: T = 1):\n  pass\n`), ['0 pythonMain'], types);
      assert.deepEqual(python(`async def main${types}(a: T):\n  pass\n`), [], types);
    }
    assert.deepEqual(python('@click.command()\ndef main(a, b):\n  pass\n'), ['1 pythonMain']);
  });

  it('finds nothing in comments, strings, brackets, or classes', () => {
    assert.deepEqual(
      python(
        [
          '# if __name__ == "__main__":',
          '"""',
          'if __name__ == "__main__":',
          'def main():',
          '"""',
          "text = r'''\\",
          'def main():',
          "'''",
          'call(',
          'def main():',
          ')',
          'x = "\\',
          'def main():"',
          'class A:',
          '    def main(self): ...',
          'def mainly(): ...',
          'y = 1 + \\',
          'def main():',
        ].join('\n'),
      ),
      [],
    );
  });

  it('finds the main function after strings that contain quotes, escapes, and hashes', () => {
    assert.deepEqual(python(`a = '#"""'\nb = "it's"\nc = '\\''\nd = """ " \\""" """\ndef main(): ...\n`), [
      '4 pythonMain',
    ]);
  });

  it('finds the main function after an unclosed string', () => {
    assert.deepEqual(python(`a = "open\ndef main(): ...\n`), ['1 pythonMain']);
  });

  it('finds the main function in a file with Windows line endings', () => {
    assert.deepEqual(python('x = 1\r\ndef main():\r\n  pass\r\n'), ['1 pythonMain']);
  });
});

describe('findPackageScripts', () => {
  it('finds each script and its line', () => {
    assert.deepEqual(
      named(findPackageScripts('{\n  "name": "scripts",\n  "scripts": {\n    "a": "x",\n    "b:c": "y"\n  }\n}')),
      ['3 a', '4 b:c'],
    );
  });

  it("ignores other keys named “scripts” and scripts that aren't strings", () => {
    assert.deepEqual(findPackageScripts('{"x": {"scripts": {"a": "b"}}, "scripts": {"n": 1}}'), []);
    assert.deepEqual(findPackageScripts('{"scripts": ["a"]}'), []);
  });

  it('takes keys that begin with //, that are no words, or that have no command for comments', () => {
    assert.deepEqual(
      named(findPackageScripts('{"scripts": {"//": "x", "//build": "y", "// test": "", "a//": "z", "/b": "c"}}')),
      ['0 a//', '0 /b'],
    );
    assert.deepEqual(
      named(
        findPackageScripts(
          '{"scripts": {"?": "x", "#": "y", "# build": "y", "-----": "-", "=== dev ===": "", "ü": "z"}}',
        ),
      ),
      ['0 ü'],
    );
    for (const heading of [
      '"--- build ---": "echo"',
      '"==== Dev ====": "===="',
      '"───── dev ─────": "npm run"',
      '"<-- build -->": "x"',
      '"/* x */": "y"',
      '" // x": "y"',
      '"[dev]": "─────"',
      '"dev:": "# see below"',
      '"-- dev": " "',
      '"** test **": "x"',
    ])
      assert.deepEqual(named(findPackageScripts(`{"scripts": {${heading}, "a": "b"}}`)), ['0 a'], heading);
    for (const name of ['🚀 start', '+build', '__x', '$x', 'a -- b', ':all', '日本', '@app/dev', '.dev', 'a#b'])
      assert.deepEqual(named(findPackageScripts(`{"scripts": {"${name}": "-x"}}`)), [`0 ${name}`], name);
    assert.deepEqual(named(findPackageScripts('{"scripts": {"//": ["x", "y"], "\\u002f/": "a", "b": "c"}}')), ['0 b']);
  });

  it('finds scripts while the file is being typed', () => {
    assert.deepEqual(named(findPackageScripts('{"scripts": {"a": "x", "b": ')), ['0 a']);
    assert.deepEqual(findPackageScripts(''), []);
  });
});

describe('findMakeTargets', () => {
  it('finds each explicit target once', () => {
    assert.deepEqual(named(findMakeTargets('all: build\nbuild test: x.c\n\tcc x.c\nall:: more\nout/a.o: a.c\n')), [
      '0 all',
      '1 build',
      '1 test',
      '4 out/a.o',
    ]);
  });

  it('ignores variables, comments, recipe lines, patterns, special targets, and the bodies of defines', () => {
    const text =
      'A := b\nB:=c\nC ::= d\nE = f: g\n# no: x\n.PHONY: all\n%.o: %.c\n\techo a: b\ndefine D\nx: y\nendef\nprog: CFLAGS = -g\nlist = a \\\n  b: c\n$(X): y\n';
    assert.deepEqual(findMakeTargets(text), []);
    assert.deepEqual(findMakeTargets('.SUFFIXES: .md .html\n.c.o:\n\tcc\n.md.html:\n\tpandoc\n.html:\n~/x:\n'), []);
  });
});

describe('findMakeTargets and GNU make', () => {
  for (const text of [
    'vpath %.c src:lib\nall:\n',
    'include $(wildcard a:b)\n-include z:\nall:\n',
    'export A B:\nunexport Y\nundefine X\nall:\n',
    'deploy@prod:\n',
    'a\\:b:\nwith\\#hash:\n',
    'all: X=1\nall:\n',
    'all: export X := 1\nall: dep\ndep:\n',
    'define D\nx: y\ndefine E\nz: y\nendef\nq: r\nendef\nall:\n',
    'A := b:c\nB = d: e\nC ::= f\nD ?= g:h\nE += i: j\nF != echo k: l\nall:\n',
    'override A = x: y\nexport B = x: y\nprivate C = x: y\nname =\nname2=\nall:\n',
    'a b c: d\nd:\n',
    '$(X): y\ny:\n',
    '.PHONY: all clean\nall:\nclean:\n',
    '.venv/bin/python: req\nreq:\n',
    'x: ; echo a:b\ny: z ; A=b\nz:\n',
    'list = a \\\n  b: c\nall: \\\n  dep\ndep:\n',
    'a$$b c$$:\n$$d: e\ne:\n',
    'a&b:\ng1 g2 &: in\n\techo\nin:\n',
    'dbl::\n\techo\ndbl::\n\techo\n',
    '  indented: x\nx:\n',
    '# c: d\nall: # e: f\n',
    'export:\ninclude:\nprivate:\ndefine:\nelse-where:\n',
    '.venv: requirements.txt\n.env .stamps.d:\nrequirements.txt:\n',
    'backup~:\n',
    '.PHONY: a\na:; @echo b:c\n\t-rm x: y\n.DEFAULT_GOAL := a\n',
    'a: | b\nb: private X := c:d\nb:;\n',
    'a:\\\n  b\nb: # c: d\\\n  e: f\n',
    "it's:\n-foo:\na+b c-d e_f g,h i@j:\n",
    '$(info a: b)\nall:\n',
    'ifdef A\nB=c:d\nendif\nx:y\ny:\n',
    'ifeq (a:b,a:b)\none:\nendif\nifneq "a:b" "c"\n  two:\nendif\n',
    '.SUFFIXES:\n.c.o:\n\tcc\nall:\n',
    '.ONESHELL:\nhelp: ## Show: this\n\t@awk \'BEGIN {FS = ":.*"}\'\ntest-%: x\nx:\n',
    'all: $(O:.c=.o)\n$(O): %.o: %.c\na.o b.o: %.o: %.c\n\techo\n',
    'build: export GOOS = linux\nbuild: export A=b:c\nbuild: ; go build\n',
    'ifneq (,$(wildcard .env))\n  include .env\n  export\nendif\nup:\n\tdocker compose up\n',
    'g: h?=i\ng: j+=k\ng: l!=m\ng: n::=o\ng: .EXTRA_PREREQS = p\ng:\np:\n',
    '%:\n\t@:\ncmd: ; @echo $(filter-out $@,$(MAKECMDGOALS))\n',
    'é:\nnaïve-ü: é\nall: # x \\\ny: z\n',
  ]) {
    it(`finds what make finds in ${JSON.stringify(text)}`, () => {
      // Targets without a recipe count too, so an empty recipe makes no difference.
      const { stdout } = spawnSync('make', ['-pnrRf', '-'], {
        input: text,
        encoding: 'utf8',
        env: { PATH: process.env.PATH },
      });
      const files = stdout.slice(stdout.indexOf('\n# Files'), stdout.lastIndexOf('\n# files hash-table'));
      const theirs = [...files.matchAll(/(# Not a target:\n)?^([^#\t\s].*?)::?(?: .*)?$/gm)]
        .filter(([, not, name = '']) => !not && !/^\.[A-Z_]+$|\//.test(name.replace('.venv/bin/', '')))
        .map(([, , name = '']) => name);
      const ours = findMakeTargets(text).map((target) => ('name' in target ? target.name : ''));
      assert.deepEqual([...new Set(ours)].sort(), [...new Set(theirs)].sort());
    });
  }
});

/** As `just --dump` describes it. */
interface JustRecipe {
  readonly name: string;
  readonly private: boolean;
  readonly parameters: readonly { readonly kind: string; readonly default: unknown }[];
}

const isOptional = (parameter: JustRecipe['parameters'][number]) =>
  parameter.default !== null || parameter.kind === 'star';

describe('findJustRecipes', () => {
  it('finds each public recipe that needs no arguments', () => {
    const text =
      'default: build\n@quiet:\nbuild target="all" *flags:\n  cc {{target}}\nneeds name:\nplus +files:\n_hidden:\n[private]\nsecret:\n[linux]\nshown: (other "x")\n';
    assert.deepEqual(named(findJustRecipes(text)), ['0 default', '1 quiet', '2 build', '10 shown']);
  });

  // What just lists, without private recipes, and those that need arguments.
  const JUSTFILES = [
    ["build t=env('T','x'):\n  echo\n", ['build']],
    ["[group: 'private cloud']\nshown:\n  echo\n", ['shown']],
    ['# three ``` backticks\nshown:\n  echo\n# and """ more\nalso:\n  echo\n', ['also', 'shown']],
    ["[\n  private,\n  group('a')\n]\nhidden:\n  echo\nshown:\n  echo\n", ['shown']],
    ['[group(\'x\')]\n[doc("a: b")]\nshown:\n  echo\n', ['shown']],
    ['[windows]\nonly:\n  echo\n[macos]\n[unix]\nboth:\n  echo\n', ['both']],
    ["a x=('1' + 'b: c') y=`echo d: e`:\n  echo\n", ['a']],
    ['path x=("a" / "b"):\n  echo\n', ['path']],
    ['r $HOME_DIR="x" *$REST:\n  echo\n', ['r']],
    ['r: && after\n  echo\nafter:\n  echo\n', ['after', 'r']],
    ['r:\n\techo x\n\n\techo y: z\ns:\n  echo\n', ['r', 's']],
    ['multi := if "a" == "b" { "c: d" } else { "e" }\nr:\n  echo\n', ['r']],
    ["lst := (\n  'a: b' +\n  'c'\n)\nr:\n  echo\n", ['r']],
    ['r arg=f:\n  echo\nf := "x"\n', ['r']],
    ['d: (e \'x\' "y: z")\ne p q="1":\n  echo\n', ['d']],
    ["[no-cd, confirm('sure: yes?')]\nr:\n  echo\n", ['r']],
    ["r x='a # b: c':\n  echo\n", ['r']],
    ['f x=replace("a:b", ":", "-"):\n  echo\n', ['f']],
    ['[extension: \'.sh\']\nr:\n  #!/usr/bin/env bash\n  echo "a: b"\n', ['r']],
    ["long a='1' \\\n  b='2':\n  echo\n", ['long']],
    ["r dir=x'~/foo':\n  echo\n", ['r']],
    ['esc := "a\\"b: c"\nr:\n  echo\n', ['r']],
    ['g a=(if "x" == "y" { "1" } else { "2" }):\n  echo\n', ['g']],
    ['@_q:\n  echo\n@p:\n  echo\n', ['p']],
    ["r:\n  echo {{ 'a\nb: c' }} {{{{ x: y\ns:\n", ['r', 's']],
    ["r:\n  echo {{ if 'a' == 'b' { 'c: d' } else { '}}' } }}\ns:\n", ['r', 's']],
    ['r:\n  #!/bin/sh\n  cat <<E\n  x: y\n  E\n@s x="1" +y=\'2\':\n', ['r', 's']],
    ["set shell := ['bash', '-c: x']\nimport? 'a: b'\nmod? sub 'x: y'\nr: # c: d\n", ['r']],
    ["x := if os() == 'linux' {\n  'a: b'\n} else {\n  'c'\n}\nr y=x z=(x + 'd: e'):\n", ['r']],
    ['x := """\n  a: b\n  "quoted"\n"""\ny := ```\n  echo c: d\n```\nz := \'a\\\'\nr:\n', ['r']],
    ['set:\nalias x="1":\nexport:\nimport:\nmod:\nif:\n', ['alias', 'export', 'if', 'import', 'mod', 'set']],
    ['[private]\nalias b := r\n[openbsd]\nq:\n[script("python3")]\n[no-exit-message]\nr:\n  print("a: b")\n', ['r']],
    ['r: (a "x: y" \'z\') && (a "b" `echo c: d`)\na b *c:\n', ['r']],
    ['r:\r\n  echo a: b\r\ns x="a":\r\n', ['r', 's']],
    ['# [private]\nr: \\\n  s\ns x=`a \\\n b: c`:\n', ['r', 's']],
    ["[doc('Build: all')]\nbuild p='dev' $RUST_LOG='info: x':\n  cargo build\n", ['build']],
    [
      "[working-directory: 'web: app']\nweb:\n  npm ci\n[script('uv', 'run', '--script')]\npy:\n  x: int = 1\n",
      ['py', 'web'],
    ],
    ['[linux]\n[macos]\nopen:\n  xdg-open\n[windows]\nopen:\n  start\n', ['open']],
    ["x := assert('a' == 'b', 'c: d')\nr tag=x dir=uppercase('y: z') b=if:\n  echo\nif := 'x'\n", ['r']],
    ['[positional-arguments]\ntest *args=\'--all\':\n  pytest "$@"\nset no-exit-message := true\nx y:\n', ['test']],
    ["r x=`echo '}' ; echo a: b` y=``:\n  echo '{{ \"}}\" }}' x: y\ns:\n", ['r', 's']],
    ['unexport FOO\nexport A := "b: c"\nx := env("A: B", "") && "c: d"\nr x=(x || "e: f"):\n', ['r']],
  ] as const;

  for (const [text, names] of JUSTFILES) {
    it(`finds ${names.join(', ')} in ${JSON.stringify(text)}`, () =>
      assert.deepEqual(
        findJustRecipes(text)
          .map((target) => ('name' in target ? target.name : ''))
          .sort(),
        names,
      ));
  }

  it('finds what just finds in each of these', function () {
    const just = justCommand();
    skipUnless(this, just !== undefined, 'just is not installed.');
    const folder = mkdtempSync(join(tmpdir(), 'justfile-'));
    for (const [text, names] of JUSTFILES) {
      writeFileSync(join(folder, 'justfile'), text);
      const args = ['--unstable', '--justfile', join(folder, 'justfile'), '--dump', '--dump-format', 'json'];
      const [program, ...before] = just ?? [''];
      const { stdout, stderr } = spawnSync(program, [...before, ...args], { encoding: 'utf8' });
      assert.notEqual(stdout, '', `${text}\n${stderr}`);
      const { recipes } = JSON.parse(stdout) as { recipes: Record<string, JustRecipe> };
      const listed = Object.values(recipes).filter((recipe) => !recipe.private && recipe.parameters.every(isOptional));
      assert.deepEqual(listed.map(({ name }) => name).sort(), names, text);
    }
    rmSync(folder, { recursive: true });
  });

  it('ignores assignments, settings, aliases, comments, bodies, and strings', () => {
    const text =
      "x := 'a: b'\nset shell := ['a']\nalias b := build\n# no: x\n  body: y\ntext := '''\ninside: string\n'''\n";
    assert.deepEqual(findJustRecipes(text), []);
  });
});

describe('findTargets', () => {
  const kinds = (name: string, language: string, text: string) =>
    findTargets(name, language, text).map(({ kind, line }) => `${line} ${kind}`);

  it('finds the file itself in every language that has a runner', () => {
    assert.deepEqual(kinds('a.js', 'javascript', 'x'), ['0 file']);
    assert.deepEqual(kinds('a.css', 'css', 'x'), []);
  });

  it('finds the parts of a Python file, with one target per line', () => {
    assert.deepEqual(kinds('a.py', 'python', 'x\ndef main(): ...\n'), ['0 file', '1 pythonMain']);
    assert.deepEqual(kinds('a.py', 'python', 'if __name__ == "__main__":\n'), ['0 pythonGuard']);
  });

  it('runs a Python file itself if it has a guard', () => {
    const text = 'x\ndef main(): ...\nif __name__ == "__main__":\n  main()\n';
    assert.deepEqual(kinds('a.py', 'python', text), ['0 file', '1 pythonGuard', '2 pythonGuard']);
  });

  it('recognizes package.json, Makefiles, and justfiles by name', () => {
    assert.deepEqual(kinds('package.json', 'json', '{"scripts":{"a":"b"}}'), ['0 packageScript']);
    assert.deepEqual(kinds('rules.mk', 'makefile', 'all:\n'), ['0 makeTarget']);
    assert.deepEqual(kinds('Justfile', 'plaintext', 'all:\n'), ['0 justRecipe']);
    assert.deepEqual(kinds('other.json', 'json', '{"scripts":{"a":"b"}}'), []);
  });
});

describe('commandOf', () => {
  it('uses the package manager of the project', () => {
    const script: Target = { kind: 'packageScript', line: 0, name: 'build' };
    assert.equal(commandOf(script, 'package.json', NO_PROJECTS)?.label, 'npm run build');
    assert.deepEqual(
      commandOf(script, 'package.json', { ...NO_PROJECTS, nearest: () => ({ folder: '', name: 'yarn.lock' }) }),
      {
        label: 'yarn run build',
        programs: [{ argv: ['yarn', 'run'] }],
        args: ['build'],
      },
    );
  });

  it('passes the file to make and just', () => {
    assert.deepEqual(commandOf({ kind: 'makeTarget', line: 0, name: 'all' }, 'x.mk', NO_PROJECTS)?.programs, [
      { argv: ['make', '-f', 'x.mk'] },
    ]);
    assert.deepEqual(commandOf({ kind: 'justRecipe', line: 0, name: 'all' }, 'justfile', NO_PROJECTS)?.programs, [
      { argv: ['just', '-f', 'justfile'] },
    ]);
  });

  it('returns nothing if the target is the file itself', () => {
    assert.equal(commandOf({ kind: 'pythonGuard', line: 3 }, 'a.py', NO_PROJECTS), undefined);
  });

  describe('for a Python main function', () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'targets-'));
    });
    after(() => rmSync(folder, { recursive: true }));

    function call(script: string) {
      writeFileSync(join(folder, 'm.py'), script);
      const command = commandOf({ kind: 'pythonMain', line: 1 }, 'm.py', NO_PROJECTS);
      const [program = '', ...before] = command?.programs[0]?.argv ?? [];
      const { status, stdout, stderr } = spawnSync(program, [...before, ...(command?.args ?? [])], {
        cwd: folder,
        encoding: 'utf8',
      });
      return { status, stdout: stdout.replaceAll(folder, ''), stderr: stderr.replaceAll(folder, '') };
    }

    it("calls it with the script's name, and exits with its result", () => {
      const result = call('import sys\ndef main():\n    print(sys.argv, __file__, __name__)\n    return 5\n');
      assert.deepEqual(result, { status: 5, stdout: "['/m.py'] /m.py __main__\n", stderr: '' });
    });

    for (const [value, status] of [
      ['None', 0],
      ['0', 0],
      ['{"loss": 1}', 0],
      ['True', 0],
      ['"done"', 0],
      ['3', 3],
    ] as const) {
      it(`exits with ${status} if it returns ${value}`, () => {
        assert.deepEqual(call(`def main():\n    return ${value}\n`), { status, stdout: '', stderr: '' });
        assert.equal(call(`async def main():\n    return ${value}\n`).status, status);
      });
    }

    it('lets it pickle its own classes, and start other processes', () => {
      const script = [
        'import doctest, multiprocessing, pickle, typing',
        'class Point:',
        '    x: "Point"',
        '    def __init__(self, x): self.x = x',
        'def double(point): return Point(point.x * 2)',
        'def main():',
        '    print(pickle.loads(pickle.dumps(Point(3))).x, typing.get_type_hints(Point)["x"] is Point)',
        '    with multiprocessing.get_context("spawn").Pool(1) as pool:',
        '        print([each.x for each in pool.map(double, [Point(1), Point(2)])])',
      ].join('\n');
      assert.deepEqual(call(script), { status: 0, stdout: '3 True\n[2, 4]\n', stderr: '' });
    });

    for (const [name, lines, stdout] of [
      [
        'its own doctests',
        [
          'def one():',
          '    """',
          '    >>> one()',
          '    1',
          '    """',
          '    return 1',
          'import doctest',
          'def main():',
          '    print(doctest.testmod())',
        ],
        'TestResults(failed=0, attempted=1)\n',
      ],
      [
        'another start method',
        [
          'import multiprocessing as m',
          'def say(): print("said", flush=True)',
          'def main():',
          '    p = m.get_context("forkserver").Process(target=say)',
          '    p.start()',
          '    p.join()',
        ],
        'said\n',
      ],
      [
        'its own source',
        ['import inspect', 'def main():', '    print(inspect.getsource(main).splitlines()[0])'],
        'def main():\n',
      ],
      [
        'itself by import',
        [
          'import importlib, sys',
          'x = 1',
          'def main():',
          '    sys.modules["__main__"].x = 2',
          '    print(x, importlib.import_module("m").x)',
        ],
        '2 1\n',
      ],
      [
        'types of a dataclass',
        [
          'from __future__ import annotations',
          'from dataclasses import dataclass',
          'from typing import ClassVar, get_type_hints',
          '@dataclass',
          'class A:',
          '    n: ClassVar[int] = 3',
          '    x: int = 0',
          'def main():',
          '    print(A(), sorted(get_type_hints(A)))',
        ],
        "A(x=0) ['n', 'x']\n",
      ],
    ] as const) {
      it(`lets it use ${name}`, () =>
        assert.deepEqual(call(`${lines.join('\n')}\n`), { status: 0, stdout, stderr: '' }));
    }

    it('shows errors with the file, and without frames of our own', () => {
      const { status, stderr } = call('def main():\n    1 / 0\n');
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^Traceback \(most recent call last\):\n {2}File "\/m\.py", line 2, in main\n {4}1 \/ 0\n[\s\S]*ZeroDivisionError/,
      );
    });
  });
});
