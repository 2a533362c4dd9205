import type { z } from 'zod';

/** A property that is ignored if it isn't valid, as VS Code does with the files that users write for it. */
export function lenient<T extends z.ZodType>(schema: T) {
  return schema.optional().catch(undefined);
}
