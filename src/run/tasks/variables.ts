/** Returns what VS Code puts in place of `${config:NAME}` or `${input:NAME}`, which can contain variables in turn. */
export type VariableValue = (kind: 'config' | 'input', name: string) => unknown;

/**
 * Returns the names of this computer's environment variables that VS Code fills in for a task: each `${env:NAME}` in its
 * definition as written, also by way of a setting or an input.
 */
export function environmentNames(definition: unknown, lookUp: VariableValue): string[] {
  const names = new Set<string>();
  const seen = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value === 'string') for (const variable of variablesIn(value)) follow(variable);
    else if (typeof value === 'object' && value !== null) for (const each of Object.entries(value)) each.forEach(visit);
  };
  const follow = (variable: string): void => {
    if (seen.has(variable)) return;
    seen.add(variable);
    const colon = variable.indexOf(':');
    const [kind, name] = [variable.slice(0, colon), variable.slice(colon + 1)];
    if (colon < 0 || name === '') return;
    if (kind === 'env') names.add(name);
    else if (kind === 'config' || kind === 'input') visit(lookUp(kind, name));
  };
  visit(definition);
  return [...names];
}

/** Returns the insides of a text's variables. Their braces balance, as in VS Code. */
function variablesIn(text: string): string[] {
  const found: string[] = [];
  for (let at = text.indexOf('${'); at >= 0; at = text.indexOf('${', at + 2)) {
    let depth = 1;
    let end = at + 2;
    for (; end < text.length; end += 1) {
      if (text[end] === '{') depth += 1;
      else if (text[end] === '}') depth -= 1;
      if (depth === 0) break;
    }
    if (depth === 0) found.push(text.slice(at + 2, end));
  }
  return found;
}
