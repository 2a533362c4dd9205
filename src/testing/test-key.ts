/**
 * Identifies a test, or a group of tests, in a folder: the file, relative to the folder with `/`, or absolute in the sandbox; and
 * then the names of classes, functions, and cases below it. The IDs that test runners print are never taken apart.
 */
export type TestKey = readonly [file: string, ...names: string[]];

/** Returns a text that is the same for the same key only. */
export function keyText(key: TestKey): string {
  return JSON.stringify(key);
}

/** Returns true if a key is another one, or below it. */
export function isWithinKey(key: TestKey, group: TestKey): boolean {
  return group.every((name, at) => key[at] === name);
}

/** Returns the keys without those that are below others, of which a test runner might run the tests twice. */
export function withoutNested(keys: readonly TestKey[]): TestKey[] {
  const all = new Set(keys.map(keyText));
  return keys.filter((key) => {
    for (let length = 1; length < key.length; length += 1)
      if (all.has(JSON.stringify(key.slice(0, length)))) return false;
    return true;
  });
}
