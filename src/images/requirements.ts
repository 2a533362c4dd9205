/**
 * Reads requirements files as pip does: https://pip.pypa.io/en/stable/reference/requirements-file-format/. Compared with
 * `pip._internal.req.req_file` of pip 23.2.
 */
import { splitShellWords } from '../base/shell.ts';

/** A line of a requirements file. Lines that end with a backslash are one line. */
export interface RequirementLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  /** The requirements or constraints file that the line includes. */
  readonly includes?: string;
  /** What the line refers to on the computer where pip runs: a path, or an archive. */
  readonly localPath?: string;
}

/** Options that take a value, by their names. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  requirement: ['-r', '--requirement'],
  constraint: ['-c', '--constraint'],
  editable: ['-e', '--editable'],
  findLinks: ['-f', '--find-links'],
  index: ['-i', '--index-url', '--pypi-url'],
  extraIndex: ['--extra-index-url'],
  other: ['--no-binary', '--only-binary', '--trusted-host', '--use-feature'],
  flag: [
    '--no-index',
    '--prefer-binary',
    '--require-hashes',
    '--pre',
    '--global-option',
    '--hash',
    '--config-settings',
  ],
};
const ARCHIVE = /\.(?:whl|zip|tar|tgz|tbz|txz|tlz|tar\.(?:gz|bz2|xz|lz|lzma))$/i;

/** Returns the lines that say something, without comments. */
export function readRequirements(content: string): RequirementLine[] {
  return logicalLines(content.replace(/^\ufeff/, '')).flatMap(({ line, text }) => {
    const said = text.replace(/(?:^|\s)#.*$/, '').trim();
    return said === '' ? [] : [{ line, text: said, ...meaningOf(said) }];
  });
}

function* logicalLinesOf(lines: readonly string[]): Generator<{ line: number; text: string }> {
  let start: number | undefined;
  let text = '';
  for (const [index, line] of lines.entries()) {
    const isComment = /^\s*#/.test(line);
    if (line.endsWith('\\') && !isComment) {
      start ??= index;
      text += line.slice(0, -1);
      continue;
    }
    // A comment ends a line that was continued.
    yield { line: (start ?? index) + 1, text: start === undefined ? line : `${text}${isComment ? ` ${line}` : line}` };
    start = undefined;
    text = '';
  }
  if (start !== undefined) yield { line: start + 1, text };
}

function logicalLines(content: string): { line: number; text: string }[] {
  // Where Python ends lines.
  return [...logicalLinesOf(content.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/))];
}

/** Reads what comes before the first option, and the options. */
function meaningOf(line: string): Pick<RequirementLine, 'includes' | 'localPath'> {
  const words = line.split(' ');
  const first = words.findIndex((word) => word.startsWith('-'));
  const requirement = (first < 0 ? words : words.slice(0, first)).join(' ').trim();
  const options = readOptions(first < 0 ? '' : words.slice(first).join(' '));
  const editable = options.get('editable');
  if (requirement !== '' || editable !== undefined) {
    const path = requirement !== '' ? localPathOf(requirement) : editablePathOf(editable ?? '');
    return path === undefined ? {} : { localPath: path };
  }
  const includes = options.get('requirement') ?? options.get('constraint');
  if (includes !== undefined) return isUrl(includes) ? {} : { includes };
  const sources = ['findLinks', 'index', 'extraIndex'].flatMap((option) => options.get(option) ?? []);
  const localPath = sources.find((source) => !isUrl(source));
  return localPath === undefined ? {} : { localPath };
}

/** Returns the first value of each option. Names may be abbreviated, and values may be attached to short names. */
function readOptions(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const words = splitShellWords(text, '"\\');
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    const [name = '', ...attached] = word.startsWith('--')
      ? word.split('=')
      : [word.slice(0, 2), ...(word.slice(2) === '' ? [] : [word.slice(2)])];
    const option = Object.entries(OPTIONS).find(([, names]) =>
      names.some((each) => each === name || (name.length > 3 && name.startsWith('--') && each.startsWith(name))),
    )?.[0];
    if (!name.startsWith('-') || option === undefined || (option === 'flag' && attached.length === 0)) continue;
    let value = attached.join('=');
    if (attached.length === 0) {
      at += 1;
      value = words[at] ?? '';
    }
    if (!found.has(option)) found.set(option, value);
  }
  return found;
}

function localPathOf(requirement: string): string | undefined {
  const named = /^[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\]\s*)?@\s*(\S+)/.exec(requirement)?.[1];
  if (named !== undefined) return isUrl(named) ? undefined : named;
  const [target = ''] = requirement.split(/\s*;|\s/);
  if (isUrl(target)) return undefined;
  const path = target.replace(/\[[^[\]]*\]$/, '');
  const isPath = target.startsWith('file:') || path.startsWith('.') || /[/\\]/.test(path) || ARCHIVE.test(path);
  return isPath ? target : undefined;
}

function editablePathOf(value: string): string | undefined {
  return isUrl(value) ? undefined : value;
}

/** Returns true for addresses on other computers, with or without a version control system. */
function isUrl(text: string): boolean {
  return (
    /^(?!file:)[a-z][a-z0-9+.-]*:(?:\/\/)?/i.test(text) && !/^[a-z]:[\\/]/i.test(text) && !/^\w+\+file:/i.test(text)
  );
}
