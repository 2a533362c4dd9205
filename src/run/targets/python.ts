import { logicalLines } from '../python-lines.ts';
import type { Target } from './target.ts';

const GUARD = /^if\s+(?:__name__\s*==\s*(?:"__main__"|'__main__')|(?:"__main__"|'__main__')\s*==\s*__name__)\s*:/;
const MAIN = /^(?:async\s+)?def\s+main\s*\(/;

/**
 * The `if __name__ == "__main__":` guard and the `main` function of a script, where they are code: at the start of a
 * logical line, not inside a string.
 */
export function findPythonTargets(text: string): Target[] {
  const targets: Target[] = [];
  for (const { line, start } of logicalLines(text)) {
    // Only these letters can start what we look for, at column 0.
    const first = text.charCodeAt(start);
    if (first !== 105 && first !== 100 && first !== 97) continue;
    const end = text.indexOf('\n', start);
    const source = text.slice(start, end < 0 ? undefined : end);
    if (GUARD.test(source)) targets.push({ kind: 'pythonGuard', line });
    else if (MAIN.test(source)) targets.push({ kind: 'pythonMain', line });
  }
  return targets;
}
