import { parse } from 'es-module-lexer/minimal/js';

type Import = ReturnType<typeof parse>[0][number];

/** Values of `ImportSpecifier.d` for imports that aren't dynamic. */
const STATIC = -1;
const META = -2;

/**
 * Rewrites a module's code so that it can be evaluated on its own: `import` statements await the module, and `export` is
 * removed. Line numbers stay the same. Code that can't be parsed is returned unchanged; Node.js reports its errors.
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
    // Several exported names can share one keyword, and an import can be exported.
    ...[...new Set(exports.map(({ s }) => code.lastIndexOf('export', s - 1)))]
      .filter((start) => !imports.some(({ ss }) => ss === start))
      .map((start) => exportEdit(code, start)),
  ].sort((a, b) => b.start - a.start);
  return edits.reduce((result, { start, end, text }) => result.slice(0, start) + text + result.slice(end), code);
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function importEdit(code: string, { ss: start, se: end, s, e, d }: Import): Edit | undefined {
  if (d === META) return { start, end, text: 'modalImportMeta()' };
  if (d !== STATIC) return { start, end: start + 'import'.length, text: 'modalImport' };
  const statement = code.slice(start, end);
  if (statement.startsWith('export')) return { start, end, text: blank(statement) };
  // TypeScript removes these itself.
  if (/^import\s+type\b(?!\s*(?:,|from\b))/.test(statement)) return undefined;
  const names = statement.slice('import'.length, s - start).replace(/\bfrom\s*["']$|["']$/, '');
  const loaded = `await modalImport(${JSON.stringify(code.slice(s, e))})`;
  const lines = '\n'.repeat(statement.split('\n').length - 1);
  return { start, end, text: `${bindings(names.trim(), loaded)}${lines}` };
}

/** Turns the names of an import, such as `a, { b as c }`, into a declaration. */
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
  return { start, end: start + keyword.length, text: blank(keyword) };
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ');
}
