import { getNodeValue, type Node, parseTree } from 'jsonc-parser';
import type { Target } from './target.ts';

/** By convention, such a key is a comment or a heading: `//`, `# build`, `--- build ---`, `══ build`. */
const HEADING = /^\s*(?:[#<-]|\/\*|([^\p{L}\p{N}_.:@$])\1)|^[^\p{L}\p{N}]*$/u;
/** Nothing, a line, or a comment of the shell. */
const NO_COMMAND = /^\s*(?:#|[\p{Pd}\u2500-\u257f=*~\s]*$)/u;

/** Finds the `scripts` in a package.json, even if it isn't valid JSON at the moment. */
export function findPackageScripts(text: string): Target[] {
  const root = parseTree(text, [], { allowTrailingComma: true });
  const scripts = propertyOf(root, 'scripts');
  if (scripts?.type !== 'object') return [];
  const lineOf = lineCounter(text);
  return (scripts.children ?? []).flatMap((property): Target[] => {
    const [key, value] = property.children ?? [];
    if (!key || value?.type !== 'string') return [];
    const name = String(getNodeValue(key));
    if (HEADING.test(name) || NO_COMMAND.test(String(getNodeValue(value)))) return [];
    return [{ kind: 'packageScript', line: lineOf(key.offset), name }];
  });
}

function propertyOf(node: Node | undefined, name: string): Node | undefined {
  const property = node?.children?.find(({ children }) => children?.[0] && getNodeValue(children[0]) === name);
  return property?.children?.[1];
}

/** Returns a function that finds the lines of increasing offsets in one pass over the text. */
function lineCounter(text: string): (offset: number) => number {
  let line = 0;
  let position = 0;
  return (offset) => {
    for (; position < offset; position += 1) if (text[position] === '\n') line += 1;
    return line;
  };
}
