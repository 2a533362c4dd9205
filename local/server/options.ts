/** The command line and the seed file. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { TokenPair } from '../state/auth.ts';

export const USAGE = `Usage: local-modal --data DIR [options]
  --port N             port to listen on (default: 0, any free port)
  --data DIR           folder for images, volumes, and all other persistent data
  --seed FILE          JSON file with environments and secrets to create at startup
  --token ID:SECRET    token to accept; can be repeated (default: a random one, which is printed)
  --sign-in            let clients sign in through a page that asks for a code, which is printed
  --control N          open the tests' control channel on this port (0 for any free port)
  --open-tunnels       let clients on this computer into tunnels without a token
  --allow-unisolated   run commands as plain processes if isolation isn't available
  --shared             serve several clients: write DIR/server.json, and run while leases are held
  --linger SECONDS     with --shared, how long to run after the last lease is released (default: 10)
  --exit-with-parent   stop when the parent process exits
`;

const PortSchema = z.coerce.number().int().min(0).max(65535);

const OptionsSchema = z
  .object({
    port: PortSchema.default(0),
    data: z.string('--data is required').min(1),
    seed: z.string().optional(),
    token: z
      .array(z.string().regex(/^[^:]+:.+$/, '--token must have the form ID:SECRET'))
      .default([])
      .transform((tokens) =>
        tokens.map(
          (token): TokenPair => ({
            id: token.slice(0, token.indexOf(':')),
            secret: token.slice(token.indexOf(':') + 1),
          }),
        ),
      ),
    control: PortSchema.optional(),
    'allow-unisolated': z.boolean().default(false),
    shared: z.boolean().default(false),
    linger: z.coerce.number().nonnegative().default(10),
    'exit-with-parent': z.boolean().default(false),
    'open-tunnels': z.boolean().default(false),
    'sign-in': z.boolean().default(false),
  })
  .refine((options) => !(options.shared && options['sign-in']), "--sign-in can't be combined with --shared");

export type Options = z.infer<typeof OptionsSchema>;

/** Parses the command line. Throws an error whose message is meant for the user. */
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
      'open-tunnels': { type: 'boolean' },
      'sign-in': { type: 'boolean' },
    },
  });
  const parsed = OptionsSchema.safeParse(values);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return parsed.data;
}

const SeedSchema = z.strictObject({
  environments: z.array(z.string().min(1)).default([]),
  /** Secrets by name. They are created in every environment. */
  secrets: z.record(z.string(), z.record(z.string(), z.string())).default({}),
});

/** The objects to create at startup. */
export type Seed = z.infer<typeof SeedSchema>;
/** A seed as it is written in a file, with optional parts. */
export type SeedInput = z.input<typeof SeedSchema>;

/** Reads a seed file. Throws if the file cannot be read or is not valid. */
export async function readSeed(file: string | undefined): Promise<Seed> {
  if (!file) return SeedSchema.parse({});
  const parsed = SeedSchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
