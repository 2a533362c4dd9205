import { logicalLines } from '../python-lines.ts';
import type { Target } from './target.ts';

const GUARD = /^if\s+(?:__name__\s*==\s*(?:"__main__"|'__main__')|(?:"__main__"|'__main__')\s*==\s*__name__)\s*:/;
const MAIN = /^(?:async\s+)?def\s+main\s*\(/;

/**
 * Finds the `if __name__ == "__main__":` guard and the `main` function of a script, at the start of a logical line and
 * not inside a string.
 */
export function findPythonTargets(text: string): Target[] {
  const targets: Target[] = [];
  for (const { line, start } of logicalLines(text)) {
    // Only “i”, “d”, and “a” at column 0 can start a match.
    const first = text.charCodeAt(start);
    if (first !== 105 && first !== 100 && first !== 97) continue;
    const end = text.indexOf('\n', start);
    const source = text.slice(start, end < 0 ? undefined : end);
    if (GUARD.test(source)) targets.push({ kind: 'pythonGuard', line });
    else if (MAIN.test(source)) targets.push({ kind: 'pythonMain', line });
  }
  return targets;
}
