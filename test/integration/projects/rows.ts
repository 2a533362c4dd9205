import { strings as providerStrings } from '../../../src/providers/run/strings.ts';
import { strings as syncStrings } from '../../../src/providers/sync/strings.ts';
import { strings as runStrings } from '../../../src/run/strings.ts';
import { strings as syncTexts } from '../../../src/sync/strings.ts';
import type { Door } from './doors.ts';

/** What must come: the lines that a user sees, and the exit code. */
export interface Expected {
  /** Defaults to 0. */
  readonly exitCode?: number;
  /** The program's output, and what the extension adds to it. With problems, only the last lines. */
  readonly lines: readonly string[];
  /** Files that came back, with their contents. */
  readonly files?: Readonly<Record<string, string>>;
  /** The problems of files: line, severity, message. Lines start at 1. */
  readonly problems?: Readonly<Record<string, readonly string[]>>;
}

type Row = readonly [door: Door, what: string, expected: Expected | readonly string[]];

const ignored = syncStrings.notSynced;
const rule = (pattern: string) => syncTexts.ruleOfLine(1, '.gitignore', pattern);
/** What the compiler reports. */
const AREA = { 'src/area.cpp': ['4 Warning unused variable ‘unused’ [-Wunused-variable]'] };
const UV = 'stand-in uv <run> <python>';
const UV_API = 'stand-in uv <run> <--project> </workspace/services/api> <python>';

/** The rows of each project, by its folder's name. Rows of a project share its sandbox and run in order. */
export const ROWS: Readonly<Record<string, readonly Row[]>> = {
  monorepo: [
    [
      'lenses',
      'packages/web/package.json',
      ['Run | "build": "node build.js",', 'Run | "dev:all": "node build.js --watch"'],
    ],
    ['lens', 'packages/web/package.json @ "build"', ['stand-in pnpm <run> <build> in /workspace/packages/web']],
    ['lens', 'package.json @ "lint"', ['stand-in pnpm <run> <lint> in /workspace']],
    ['activeFile', 'packages/web/build.js', ['build web /workspace']],
    ['withArguments', "packages/web/build.js --mode 'a b' $((1+2))", ['build web /workspace --mode a b 3']],
    ['activeFile', 'packages/web/src/greet.ts', ['stand-in tsx </workspace/packages/web/src/greet.ts> in /workspace']],
    ['explorer', 'scripts/lint.mjs', ['lint /workspace']],
    ['explorer', 'tools/check.py', [`${UV} </workspace/tools/check.py> in /workspace`]],
    ['activeFile', 'services/api/seed.py', [`${UV_API} </workspace/services/api/seed.py> in /workspace`]],
    ['lens', 'services/api/api/server.py @ __main__', [`${UV_API} <-m> <api.server> in /workspace/services/api`]],
    [
      'selection',
      'packages/web/build.js:1-2',
      [
        "> const { name } = require('./package.json');",
        "… console.log('build', name, process.cwd(), ...process.argv.slice(2));",
        'build web /workspace',
      ],
    ],
    ['task', 'seed', ['stand-in pnpm <run> <build> in /workspace/packages/web', "seed /workspace ['--count', '3']"]],
    ['terminal', 'package.json @ pwd; ls packages', ['/workspace', 'web']],
    [
      'api',
      'import os; print(os.getcwd(), *sorted(os.listdir("packages/web")))',
      ['/workspace build.js package.json src'],
    ],
  ],
  django: [
    ['lenses', 'manage.py', ['Run | #!/usr/bin/env python', 'Run | def main():', 'Run | if __name__ == "__main__":']],
    ['withArguments', 'manage.py report --year 2026', ['report --year 2026 with shop.settings']],
    ['lens', 'manage.py @ __main__', ['help with shop.settings']],
    ['activeFile', 'orders/views.py', ['order 7 for you in orders']],
    ['explorer', 'orders/management/commands/report.py', ['report of orders in orders.management.commands']],
    [
      'selection',
      'orders/models.py:1',
      ['>>> class Order:', '...     def __init__(self, number):', '...         self.number = number'],
    ],
    [
      'task',
      'unit tests',
      [
        'test_number (orders.tests.OrderTest.test_number) ... ok',
        '----------------------------------------------------------------------',
        'Ran 1 test',
        'OK',
      ],
    ],
    ['task', 'dump', ["['a b', '*'] shop.settings"]],
    [
      'modalTask',
      'report',
      {
        lines: ['report --year 2026 with shop.settings', '● Pulled 1 file.'],
        files: { 'report.csv': 'orders,--year 2026\n' },
      },
    ],
    ['explain', '.env.example', ['“.env.example” is synced (not excluded by any rule).']],
  ],
  go: [
    ['lenses', 'internal/store/store.go', []],
    ['lenses', 'Makefile', ['Run | build: $(BIN)', 'Run | test:', 'Run | version:']],
    ['activeFile', 'cmd/server/main.go', ['stand-in go <run> <.> in /workspace/cmd/server']],
    ['withArguments', 'cmd/server/banner.go -v x', ['stand-in go <run> <.> <-v> <x> in /workspace/cmd/server']],
    ['activeFile', 'internal/store/store_test.go', ['stand-in go <test> <.> in /workspace/internal/store']],
    ['explorer', 'tools/gen.go', ['stand-in go <run> </workspace/tools/gen.go> in /workspace']],
    ['lens', 'Makefile @ test:', ['go test ./...', 'stand-in go <test> <./...> in /workspace']],
    ['lens', 'Makefile @ version:', ['version 1.2 in /workspace']],
    ['task', 'go: vet', ['stand-in go <vet> <./...> in /workspace/cmd']],
  ],
  notebook: [
    [
      'lenses',
      'analysis.py',
      ['Run | # %% [markdown]', 'Run Cell | # %%', 'Run Cell | # %% Sum', 'Run Cell | # %% Save'],
    ],
    [
      'selection',
      'analysis.py:6-9',
      ['>>> import csv', '... import os', '...', '... rows = list(csv.DictReader(open("data/sales.csv")))'],
    ],
    [
      'lens',
      'analysis.py @ Sum',
      ['>>> total = 0', '... for row in rows:', '...     total += int(row["amount"])', '...', '... total', '42'],
    ],
    [
      'lens',
      'analysis.py @ Save',
      [
        '>>> with open("total.txt", "w") as file:',
        '...     print(total, file=file)',
        '... print("saved in", os.getcwd())',
        'saved in /workspace',
      ],
    ],
    ['pull', 'analysis.py @ *.txt', { lines: ['Pulled 1 file.'], files: { 'total.txt': '42\n' } }],
    ['activeFile', 'explore/plot.py', ['#', '##', '###']],
  ],
  cpp: [
    [
      'task',
      'compile',
      {
        lines: [],
        problems: AREA,
      },
    ],
    ['terminal', 'CMakeLists.txt @ ./shapes x', ['area 12 [x]']],
    ['task', 'run', { lines: ['area 12 [a b] [--fast]'], problems: AREA }],
    [
      'task',
      'cmake build',
      [
        'stand-in cmake <-S> <.> <-B> <build> in /workspace',
        'stand-in cmake <--build> </workspace/build> in /workspace',
      ],
    ],
    [
      'task',
      'after broken',
      {
        lines: [],
        problems: { 'src/broken.cpp': ['3 Error ‘missing’ was not declared in this scope'] },
      },
    ],
    ['explorer', 'src/main.cpp', [providerStrings.runnerTitle('main.cpp')]],
  ],
  rails: [
    ['lenses', 'Gemfile', []],
    ['lenses', 'config.ru', []],
    [
      'withArguments',
      'bin/rails db:migrate',
      ['stand-in bundle <exec> <ruby> </workspace/bin/rails> <db:migrate> in /workspace'],
    ],
    ['lens', 'Rakefile @ config/application', ['stand-in bundle <exec> <rake> <-f> <Rakefile> in /workspace']],
    ['withArguments', 'Rakefile greet', ['stand-in bundle <exec> <rake> <-f> <Rakefile> <greet> in /workspace']],
    ['explorer', 'script/seed.rb', ['stand-in bundle <exec> <ruby> </workspace/script/seed.rb> in /workspace']],
    ['task', 'console', ['stand-in ruby </workspace/bin/rails> <runner> <puts 1> in /workspace']],
    ['task', 'rake greet', ['stand-in bundle <exec> <rake> <greet> in /workspace']],
  ],
  r: [
    ['activeFile', 'analysis.R', ['stand-in Rscript </workspace/analysis.R> in /workspace']],
    ['activeFile', 'report.r', ['stand-in Rscript <--vanilla> </workspace/report.r> in /workspace']],
    [
      'modalTask',
      'analysis',
      [
        'stand-in Rscript </workspace/analysis.R> <--seed> <1> in /workspace',
        '● Pulled 0 files; nothing in the sandbox matches output/.',
      ],
    ],
  ],
  bash: [
    ['activeFile', 'bin/backup', ['[log] backup of everything in /workspace']],
    ['withArguments', 'bin/backup photos', ['[log] backup of photos in /workspace']],
    ['activeFile', 'bin/strict', { exitCode: 1, lines: ['[log] options with errexit'] }],
    [
      'withArguments',
      "install.sh 'a b' *.mk",
      ['install with /workspace/install.sh in /workspace', '<a b>', '<config.mk>'],
    ],
    ['explorer', 'prompt.zsh', ['stand-in zsh </workspace/prompt.zsh> in /workspace']],
    [
      'lens',
      'Makefile @ all:',
      ['ok bin/backup', 'ok bin/strict', 'ok bin/watch', '[log] backup of photos in /workspace'],
    ],
    ['lens', 'Makefile @ fail:', { exitCode: 2, lines: ['exit 3', 'make: *** [Makefile:13: fail] Error 3'] }],
    ['selection', 'lib/log.sh:2-4', ['$ log() {', `>   printf '[log] %s\\n' "$*"`, '> }']],
    ['selection', 'test/run.sh:3', ['$ mkdir -p reports']],
    ['selection', 'test/run.sh:4', ['$ log tested | tee reports/result.txt', '[log] tested']],
    [
      'task',
      'all',
      {
        lines: ['ok bin/backup', 'ok bin/strict', 'ok bin/watch', '[log] tested', '● Pulled 1 file.'],
        files: { 'reports/result.txt': '[log] tested\n' },
      },
    ],
    ['liveSync', 'bin/watch watching @ state.txt second', ['watching', 'second']],
    ['taskList', 'test', ['Workspace · bash']],
  ],
  finetune: [
    ['activeFile', 'tune/train.py', ['epoch 0 loss 6.00']],
    ['withArguments', 'tune/train.py --epochs 2', ['epoch 0 loss 6.00', 'epoch 1 loss 3.00']],
    ['explorer', 'tune/__main__.py', ['epoch 0 loss 6.00']],
    ['withArguments', 'scripts/evaluate.py --checkpoint=step-1', ['evaluate step-1']],
    [
      'modalTask',
      'train here',
      {
        lines: ['epoch 0 loss 6.00', 'epoch 1 loss 3.00', '● Pulled 2 files.'],
        files: { 'outputs/step-1.json': '{"loss": 3.0}' },
      },
    ],
    [
      'modalTask',
      'train',
      ['epoch 0 loss 6.00', 'epoch 1 loss 3.00', 'Allow profile “gpu” in “finetune” to do the following?'],
    ],
    ['modalTask', 'list checkpoints', ['step-0.json  step-1.json']],
    [
      'modalTask',
      'as one line',
      {
        exitCode: 1,
        lines: [`● ${runStrings.commandLineNotRun('python -m tune.train --epochs 2')}`],
      },
    ],
    [
      'explain',
      'outputs/step-1.json',
      [ignored('outputs/step-1.json', syncTexts.appliesTo(rule('outputs/'), 'outputs'))],
    ],
  ],
  worktree: [
    ['activeFile', 'list.sh', ['kept.log', 'list.sh', 'of the worktree']],
    ['explain', 'noise.log', [ignored('noise.log', rule('*.log'))]],
    ['explain', 'kept.log', ['“kept.log” is synced (tracked by Git).']],
  ],
};
