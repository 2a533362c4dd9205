// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell arguments contain them
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { shellArgumentsProblem } from '../../../src/run/shell-arguments.ts';
import { strings } from '../../../src/run/strings.ts';
import { runCommand } from '../../helpers/run-command.ts';

describe('Typed arguments', () => {
  for (const [text, args] of [
    ['--epochs 3', ['--epochs', '3']],
    [`a "b c" 'd e'`, ['a', 'b c', 'd e']],
    [`--url 'http://host/?a=1&b=2' "x;y" z\\;`, ['--url', 'http://host/?a=1&b=2', 'x;y', 'z;']],
    ['$((6*7)) "$(printf "%s" "a b")" `echo c` ${NONE:-d}', ['42', 'a b', 'c', 'd']],
    ['a#b "#c"', ['a#b', '#c']],
    ['--name=Jo\\ Doe {a,b} !x ~+x', ['--name=Jo Doe', '{a,b}', '!x', '~+x']],
    [`$(echo $(echo a) | tr -d '()')`, ['a']],
    [`$(echo "(") "$(echo ')')" $(echo $(echo $(echo $(echo \\))))) \`echo "a;b"\``, ['(', ')', ')', 'a;b']],
    ['"$(echo "a;b" "$(echo ")")")" "${NONE:-"c d"}"', ['a;b )', 'c d']],
    [`\${NONE:-"}"} \${NONE:-'e}'} "\${NONE:-}'" $(((1<2)*3))`, ['}', 'e}', "'", '3']],
    ['$(case b in a) echo x;; b) echo "y)";; esac)', ['y)']],
    ['"$(case x in (a|b) echo 1 ;; *) (echo 2; echo 3) ;; esac | tr "\\n" -)"', ['2-3-']],
    ['$(if true; then case "a b" in a*) case c in c) echo d; esac ;; esac fi)e', ['de']],
    ['$(echo case in; case x in esac; echo esac)', ['case', 'in', 'esac']],
    ['$(x=esac; case $x in (x) echo no;; (esac) echo no;; e*) echo "$(case y in y) echo ")"; esac)" ;; esac)', ['no']],
    ['$(case a in a) { echo b; } esac; printf %s case-c)', ['b', 'case-c']],
    [`$'a\\'b' x$'\\t;'y $(printf %s $'c d') "$'e'"`, ["a'b", 'x\t;y', 'c', 'd', "$'e'"]],
    [`$'\\303\\251\\x41\\u00e9\\U1F600\\e\\cA\\"\\q\\0x' $"f;g"`, ['éAé😀\x1b\x01"\\q', 'f;g']],
  ] as const) {
    it(`are passed as a shell does: ${text}`, () => {
      assert.equal(shellArgumentsProblem(text), undefined);
      const programs = [{ argv: ['printf', '%s\\0'] as [string, ...string[]] }];
      const [program = '', ...argv] = runCommand(programs, [], { runId: 'typed', cwd: '/', shellArgs: text });
      const { stdout } = spawnSync(program, argv, { encoding: 'utf8' });
      assert.deepEqual(stdout.split('\0').slice(0, -1), args);
    });
  }

  for (const [text, char] of [
    ['--epochs 3 2>&1 | tee log.txt', '>'],
    ['a | tee log.txt', '|'],
    ['--url http://host/?a=1&b=2', '&'],
    ['--note a;b', ';'],
    ['a && b', '&'],
    ['< in.txt', '<'],
    ['--range (1,2)', '('],
    ['a)', ')'],
    ['--tag #1', '#'],
    ['#1', '#'],
    ['a\nb', '↵'],
  ] as const) {
    it(`are refused, and ${char} is named: ${JSON.stringify(text)}`, () =>
      assert.equal(shellArgumentsProblem(text), strings.shellOperator(char)));
  }

  for (const text of [
    `it's`,
    '"a',
    '`a',
    'a\\',
    '$(a',
    '${a',
    `$'a\\'`,
    '$(echo "a)',
    '$(case a in a) b',
    '$(case a in a) b;; esac',
    '"$(echo a"',
    '${a:-")}',
  ])
    it(`are refused without the end of ${text}`, () => assert.equal(shellArgumentsProblem(text), strings.openQuote()));
});
