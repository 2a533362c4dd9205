import { parse } from 'es-module-lexer/minimal/js';

type Import = ReturnType<typeof parse>[0][number];

/** Kinds of `ImportSpecifier.d` that are not the place of an `import(`. */
const STATIC = -1;
const META = -2;

/**
 * Code of a module as it can be evaluated by itself: `import` statements await the module, `export` is left out. What
 * stands behind keeps its line, and so do errors. Code that cannot be read stays as it is; Node says what is wrong with it.
 */
export function withoutModuleSyntax(code: string): string {
  let imports: readonly Import[];
  let exports: ReturnType<typeof parse>[1];
  try {
    [imports, exports] = parse(code);
  } catch {
    return code;
  }
  const edits = [
    ...imports.flatMap((each) => importEdit(code, each) ?? []),
    // Several names can have one keyword, and so can a name and an import.
    ...[...new Set(exports.map(({ s }) => code.lastIndexOf('export', s - 1)))]
      .filter((start) => !imports.some(({ ss }) => ss === start))
      .map((start) => exportEdit(code, start)),
  ].sort((a, b) => b.start - a.start);
  return edits.reduce((text, { start, end, by }) => text.slice(0, start) + by + text.slice(end), code);
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

function importEdit(code: string, { ss: start, se: end, s, e, d }: Import): Edit | undefined {
  if (d === META) return { start, end, by: 'modalImportMeta()' };
  if (d !== STATIC) return { start, end: start + 'import'.length, by: 'modalImport' };
  const statement = code.slice(start, end);
  if (statement.startsWith('export')) return { start, end, by: blank(statement) };
  // TypeScript takes these out by itself.
  if (/^import\s+type\b(?!\s*(?:,|from\b))/.test(statement)) return undefined;
  const names = statement.slice('import'.length, s - start).replace(/\bfrom\s*["']$|["']$/, '');
  const loaded = `await modalImport(${JSON.stringify(code.slice(s, e))})`;
  const lines = '\n'.repeat(statement.split('\n').length - 1);
  return { start, end, by: `${bindings(names.trim(), loaded)}${lines}` };
}

/** `a, { b as c }` as a declaration. */
function bindings(names: string, loaded: string): string {
  if (names === '') return `void ${loaded}`;
  const [, first = '', space = '', list = ''] =
    /^([\w$]*)\s*,?\s*(?:\*\s*as\s+([\w$]+)|\{([\s\S]*)\})?$/.exec(names) ?? [];
  const parts = [
    ...(first ? [`default: ${first}`] : []),
    ...list
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !/^type\s+(?!as\b)/.test(name))
      .map((name) => name.replace(/\s+as\s+/, ': ')),
  ];
  const whole = space ? `const ${space} = ${loaded}` : '';
  if (parts.length === 0) return whole || `void ${loaded}`;
  return whole ? `${whole}, { ${parts.join(', ')} } = ${space}` : `const { ${parts.join(', ')} } = ${loaded}`;
}

function exportEdit(code: string, start: number): Edit {
  const [keyword = ''] = /^export(?:\s+default\b|\s*\{[^}]*\})?/.exec(code.slice(start)) ?? [];
  return { start, end: start + keyword.length, by: blank(keyword) };
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ');
}
