import type { Target } from './target.ts';

/** A word, an operator, or a string, as `just` reads it. */
interface Token {
  readonly kind: 'word' | 'string' | 'mark';
  readonly text: string;
}

const TOKEN =
  /(?<blank>(?:[ \t\r]|\\\r?\n|#[^\n]*)+)|(?<string>[xf]?(?:'''[\s\S]*?(?:'''|$)|"""(?:\\[\s\S]|[^\\])*?(?:"""|$)|'[^']*(?:'|$)|"(?:\\[\s\S]|[^"\\])*(?:"|$))|```[\s\S]*?(?:```|$)|`[^`]*(?:`|$))|(?<word>[A-Za-z_][\w-]*)|(?<mark>:=|\+=|==|!=|=~|&&|\|\||[\s\S])/y;

/** Attributes that name the systems on which a recipe exists. Sandboxes run Linux. */
const SYSTEMS = new Set(['android', 'dragonfly', 'freebsd', 'linux', 'macos', 'netbsd', 'openbsd', 'unix', 'windows']);

/** Finds the public recipes for Linux in a justfile, except for those with parameters that have no default. */
export function findJustRecipes(text: string): Target[] {
  const targets: Target[] = [];
  let attributes: string[] = [];
  let line = 0;
  let at = 0;
  while (at < text.length) {
    const startLine = line;
    const isBody = /[ \t]/.test(text[at] as string);
    const { tokens, end } = isBody ? { tokens: [], end: endOfBodyLine(text, at) } : readStatement(text, at);
    for (; at < end; at += 1) if (text[at] === '\n') line += 1;
    if (tokens[0]?.text === '[') {
      const { names, rest } = readAttributes(tokens);
      attributes.push(...names);
      if (rest.length === 0) continue;
    }
    const recipe = tokens.length > 0 ? recipeOf(tokens) : undefined;
    if (recipe && isRunnable(recipe, attributes))
      targets.push({ kind: 'justRecipe', line: startLine, name: recipe.name });
    if (tokens.length > 0) attributes = [];
  }
  return targets;
}

/** Returns the end of a line of a recipe's body, whose `{{…}}` may contain strings of several lines. */
function endOfBodyLine(text: string, start: number): number {
  const piece = /\{\{\{\{|(?<open>\{\{)|\n|[^{\n]+|\{/y;
  piece.lastIndex = start;
  for (let found = piece.exec(text); found; found = piece.exec(text)) {
    if (found[0] === '\n') return piece.lastIndex;
    if (found.groups?.open !== undefined) piece.lastIndex = endOfValue(text, piece.lastIndex);
  }
  return text.length;
}

/** Returns the end of an expression up to its `}}`, or of its line if it isn't closed there. */
function endOfValue(text: string, start: number): number {
  const token = new RegExp(TOKEN);
  token.lastIndex = start;
  for (let depth = 0, found = token.exec(text); found; found = token.exec(text)) {
    const { mark } = found.groups ?? {};
    if (mark === '\n') return token.lastIndex - 1;
    if (mark === '{') depth += 1;
    if (mark === '}' && depth === 0 && text[token.lastIndex] === '}') return token.lastIndex + 1;
    if (mark === '}') depth -= 1;
  }
  return text.length;
}

/** Reads up to a line break outside of brackets and strings. */
function readStatement(text: string, start: number): { tokens: Token[]; end: number } {
  const tokens: Token[] = [];
  let depth = 0;
  const token = new RegExp(TOKEN);
  token.lastIndex = start;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    const { string, word, mark } = found.groups ?? {};
    if (mark === '\n' && depth <= 0) break;
    if (mark !== undefined && '([{'.includes(mark)) depth += 1;
    if (mark !== undefined && ')]}'.includes(mark)) depth -= 1;
    if (string !== undefined) tokens.push({ kind: 'string', text: string });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else if (mark !== undefined && mark !== '\n') tokens.push({ kind: 'mark', text: mark });
  }
  return { tokens, end: token.lastIndex || text.length };
}

/** Reads `[a, b: 'x', c('y')]`. Returns the names, and the tokens after it. */
function readAttributes(tokens: readonly Token[]): { names: string[]; rest: readonly Token[] } {
  const names: string[] = [];
  let depth = 0;
  for (const [index, { kind, text }] of tokens.entries()) {
    const previous = tokens[index - 1]?.text;
    if (kind === 'word' && depth === 1 && (previous === '[' || previous === ',')) names.push(text);
    if (kind === 'mark' && /[([{]/.test(text)) depth += 1;
    if (kind === 'mark' && /[)\]}]/.test(text)) depth -= 1;
    if (depth === 0) return { names, rest: tokens.slice(index + 1) };
  }
  return { names, rest: [] };
}

interface Recipe {
  readonly name: string;
  readonly needsArguments: boolean;
}

/** Reads `@name parameters :`; undefined for assignments, settings, aliases, imports, and modules. */
function recipeOf(tokens: readonly Token[]): Recipe | undefined {
  const isQuiet = tokens[0]?.text === '@';
  const [first, ...others] = isQuiet ? tokens.slice(1) : tokens;
  if (first?.kind !== 'word') return undefined;
  let depth = 0;
  let isRequired = false;
  let needsArguments = false;
  let isDefault = false;
  for (const [index, { kind, text }] of others.entries()) {
    const previous = others[index - 1];
    if (kind === 'mark' && /^[([{]$/.test(text)) depth += 1;
    else if (kind === 'mark' && /^[)\]}]$/.test(text)) depth -= 1;
    else if (depth > 0) continue;
    else if (text === ':') return { name: first.text, needsArguments: needsArguments || isRequired };
    else if (kind === 'mark' && text === '=') {
      isRequired = false;
      isDefault = true;
    } else if (kind === 'word' && !(isDefault && continuesDefault(previous))) {
      needsArguments ||= isRequired;
      const marks = [previous?.text, others[index - 2]?.text];
      isRequired = !(marks[0] === '*' || (marks[0] === '$' && marks[1] === '*'));
      isDefault = false;
    } else if (kind === 'mark' && !'*+$/'.includes(text)) return undefined;
    else if (kind === 'string' && !isDefault) return undefined;
  }
  return undefined;
}

/** Returns true if a word after a token is still part of a parameter's default value. */
function continuesDefault(previous: Token | undefined): boolean {
  return previous?.kind === 'mark' && (previous.text === '=' || previous.text === '/');
}

function isRunnable({ name, needsArguments }: Recipe, attributes: readonly string[]): boolean {
  const systems = attributes.filter((attribute) => SYSTEMS.has(attribute));
  const isForLinux = systems.length === 0 || systems.includes('linux') || systems.includes('unix');
  return isForLinux && !needsArguments && !name.startsWith('_') && !attributes.includes('private');
}
