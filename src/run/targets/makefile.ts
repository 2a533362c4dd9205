import type { Target } from './target.ts';

// A rule starts at the margin with its targets, followed by `:` or `::` without `=`, which would be an assignment.
const RULE = /^([^\t#:=\s][^#:=\t]*?)\s*(?:&?::?)(?![:=])(?!\s*[A-Za-z_][\w.-]*\s*[:?+!]?=)/;

/** Finds the explicit targets in a Makefile: no patterns, special targets, or variables. */
export function findMakeTargets(text: string): Target[] {
  const targets: Target[] = [];
  const seen = new Set<string>();
  let isContinued = false;
  let isInDefine = false;
  for (const [line, source] of text.split('\n').entries()) {
    const continues = isContinued;
    isContinued = /\\\r?$/.test(source);
    if (/^\s*(?:override\s+)?define\b/.test(source)) isInDefine = true;
    if (/^\s*endef\b/.test(source)) isInDefine = false;
    if (continues || isInDefine) continue;
    for (const name of RULE.exec(source)?.[1]?.split(/\s+/) ?? []) {
      if (!/^[A-Za-z0-9_][\w./+-]*$/.test(name) || seen.has(name)) continue;
      seen.add(name);
      targets.push({ kind: 'makeTarget', line, name });
    }
  }
  return targets;
}
