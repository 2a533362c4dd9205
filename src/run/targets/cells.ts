import { logicalLines } from '../python-lines.ts';
import type { Cell } from './target.ts';

/** The line that begins a cell: `# %%`, `#%% Title`, `# %% [markdown]`, `# In[3]:`. */
const MARKER = /^#(?:[ \t]*%%(?<rest>[^\n]*)|[ \t]*In ?\[[\d ]*\])/;
/** Cells with text instead of code. */
const TEXT_CELL = /\[(?:markdown|md|raw)\]/i;

/** Finds the cells with code in a Python file, without a cell of what comes before the first marker. */
export function findCells(text: string): Cell[] {
  const lines = text.split('\n');
  // Not inside strings.
  const markers = [...logicalLines(text)].flatMap(({ line }) => {
    const found = MARKER.exec(lines[line] ?? '');
    return found ? [{ line, isCode: !TEXT_CELL.test(found.groups?.rest ?? '') }] : [];
  });
  return markers.flatMap(({ line, isCode }, at): Cell[] => {
    const end = markers[at + 1]?.line ?? lines.length;
    const isCodeLine = (each: string) => /^\s*[^\s#]/.test(each);
    const code = lines.slice(line + 1, end);
    const first = code.findIndex(isCodeLine);
    if (!isCode || first < 0) return [];
    return [{ kind: 'cell', line, first: line + 1 + first, last: line + 1 + code.findLastIndex(isCodeLine) }];
  });
}
