import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

const ToldSchema = z.array(z.string());
const MAX_KEYS = 5000;

/** What users were told about a folder, stored in a file. */
export class Told {
  readonly #path: string;
  readonly #onUnsaved: (error: unknown) => void;
  #keys: Set<string> | undefined;

  constructor(path: string, onUnsaved: (error: unknown) => void) {
    this.#path = path;
    this.#onUnsaved = onUnsaved;
  }

  has(key: string): boolean {
    return this.#read().has(key);
  }

  add(keys: readonly string[]): void {
    const all = [...new Set([...this.#read(), ...keys])].slice(-MAX_KEYS);
    this.#keys = new Set(all);
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      writeFileSync(this.#path, JSON.stringify(all));
    } catch (error) {
      this.#onUnsaved(error);
    }
  }

  #read(): Set<string> {
    this.#keys ??= new Set(read(this.#path));
    return this.#keys;
  }
}

/** Empty if there is no such file, or if it is damaged. */
function read(path: string): string[] {
  try {
    return ToldSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return [];
  }
}
