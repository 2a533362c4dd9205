/** The command line and the seed file. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { TokenPair } from '../state/auth.ts';

export const USAGE = `usage: local-modal --data DIR [options]
  --port N             PortSchema of the server; 0, the default, for any that is free
  --data DIR           folder for images, volumes and all else that lasts
  --seed FILE          JSON with environments and secrets to create at the start
  --token ID:SECRET    a token to accept, may be repeated; without it any token is
  --control N          opens the tests' control channel on this PortSchema (0 for any)
  --allow-unisolated   where isolation cannot be had, run commands as plain processes
  --shared             one server for several clients: writes DIR/server.json, serves while leases are held
  --linger SECONDS     with --shared, how long to stay after the last lease (10)
  --exit-with-parent   end when the process that started this one has ended
`;

const PortSchema = z.coerce.number().int().min(0).max(65535);

const OptionsSchema = z.object({
  port: PortSchema.default(0),
  data: z.string('--data is needed').min(1),
  seed: z.string().optional(),
  token: z
    .array(z.string().regex(/^[^:]+:.+$/, 'a token is ID:SECRET'))
    .default([])
    .transform((tokens) =>
      tokens.map(
        (token): TokenPair => ({ id: token.slice(0, token.indexOf(':')), secret: token.slice(token.indexOf(':') + 1) }),
      ),
    ),
  control: PortSchema.optional(),
  'allow-unisolated': z.boolean().default(false),
  shared: z.boolean().default(false),
  linger: z.coerce.number().nonnegative().default(10),
  'exit-with-parent': z.boolean().default(false),
});

export type Options = z.infer<typeof OptionsSchema>;

/** @throws with a line for the person who called */
export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: { type: 'string' },
      data: { type: 'string' },
      seed: { type: 'string' },
      token: { type: 'string', multiple: true },
      control: { type: 'string' },
      'allow-unisolated': { type: 'boolean' },
      shared: { type: 'boolean' },
      linger: { type: 'string' },
      'exit-with-parent': { type: 'boolean' },
    },
  });
  const parsed = OptionsSchema.safeParse(values);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return parsed.data;
}

const SeedSchema = z.strictObject({
  environments: z.array(z.string().min(1)).default([]),
  /** Named secrets; they are put into every environment. */
  secrets: z.record(z.string(), z.record(z.string(), z.string())).default({}),
});

/** What exists from the start. */
export type Seed = z.infer<typeof SeedSchema>;
/** A seed as it is written. */
export type SeedInput = z.input<typeof SeedSchema>;

/** @throws when the file cannot be read or is no seed */
export async function readSeed(file: string | undefined): Promise<Seed> {
  if (!file) return SeedSchema.parse({});
  const parsed = SeedSchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
