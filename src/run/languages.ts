import { extensionOf } from './runners.ts';
import { readShebang } from './shebang.ts';

/** VS Code's language IDs of files, by extension in lower case. */
const LANGUAGES: Readonly<Record<string, string>> = {
  ...{ '.py': 'python', '.pyw': 'python', '.pyi': 'python' },
  ...{ '.js': 'javascript', '.mjs': 'javascript', '.cjs': 'javascript', '.es6': 'javascript' },
  ...{ '.ts': 'typescript', '.mts': 'typescript', '.cts': 'typescript' },
  ...{
    '.sh': 'shellscript',
    '.bash': 'shellscript',
    '.zsh': 'shellscript',
    '.ksh': 'shellscript',
    '.fish': 'shellscript',
  },
  ...{ '.csh': 'shellscript', '.r': 'r', '.jl': 'julia', '.rb': 'ruby', '.rake': 'ruby', '.go': 'go' },
  ...{ '.pl': 'perl', '.php': 'php', '.lua': 'lua', '.ipynb': 'jupyter' },
};
/** The same by the names of interpreters in `#!` lines. */
const INTERPRETERS: readonly (readonly [RegExp, string])[] = [
  [/^(?:python|pypy)[\d.]*$/, 'python'],
  [/^node(?:js)?$/, 'javascript'],
  [/^(?:tsx|ts-node|deno|bun)$/, 'typescript'],
  [/^(?:ba|z|k|c|da|fi|tc)?sh$/, 'shellscript'],
  [/^Rscript$/, 'r'],
  [/^julia$/, 'julia'],
  [/^ruby[\d.]*$/, 'ruby'],
  [/^perl[\d.]*$/, 'perl'],
  [/^php[\d.]*$/, 'php'],
  [/^lua[\d.]*$/, 'lua'],
];

/** Returns VS Code's language ID of a file by its name, or else by its `#!` line; `plaintext` if neither tells. */
export function languageOf(name: string, text: string): string {
  if (/^rakefile(?:\.rb)?$|^gemfile$/i.test(name)) return 'ruby';
  const known = LANGUAGES[extensionOf(name).toLowerCase()];
  if (known) return known;
  const { program = '' } = readShebang(text.split('\n', 1)[0] ?? '') ?? {};
  const interpreter = program.slice(program.lastIndexOf('/') + 1);
  return INTERPRETERS.find(([pattern]) => pattern.test(interpreter))?.[1] ?? 'plaintext';
}
