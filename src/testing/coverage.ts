import type { TestedFile } from './events.ts';

/** What the parts of a run have executed, by file. */
export class CoverageSum {
  readonly #files = new Map<string, TestedFile>();

  add(tested: TestedFile): void {
    const known = this.#files.get(tested.file);
    this.#files.set(tested.file, known ? merged(known, tested) : tested);
  }

  files(): Iterable<TestedFile> {
    return this.#files.values();
  }
}

/** Returns what either of two parts has executed of a file. */
function merged(one: TestedFile, other: TestedFile): TestedFile {
  const executed = new Set([...one.executed, ...other.executed]);
  const missing = new Set([...one.missing, ...other.missing].filter((line) => !executed.has(line)));
  return {
    ...one,
    executed: [...executed].sort((a, b) => a - b),
    missing: [...missing].sort((a, b) => a - b),
    branches: either([...one.branches, ...other.branches]),
    functions: either([...one.functions, ...other.functions]),
  };
}

/** Returns each part of a file once, which counts as executed if it is anywhere. */
function either<Part extends readonly [string | number, number, boolean]>(parts: readonly Part[]): Part[] {
  const known = new Map<string, Part>();
  for (const part of parts) {
    const id = `${part[0]} ${part[1]}`;
    if (part[2] || !known.has(id)) known.set(id, part);
  }
  return [...known.values()];
}
