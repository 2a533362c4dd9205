/** The command line and the seed file. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { StartError } from '../http/start-error.ts';
import type { TokenPair } from '../state/auth.ts';

export const USAGE = `Usage: local-modal --data DIR [options]
  --port N             port to listen on (default: 0, any free port)
  --data DIR           folder for images, volumes, and all other persistent data
  --seed FILE          JSON file with environments and secrets to create at startup
  --token ID:SECRET    token to accept; can be repeated (default: a random one, which is printed)
  --sign-in            let clients sign in through a page that asks for a password, which is printed
  --control N          open the tests' control channel on this port (0 for any free port)
  --open-tunnels       let clients on this computer into tunnels without a token
  --allow-unisolated   run commands as plain processes if isolation isn't available
  --runtime NAME       what isolates sandboxes: gvisor, namespaces, or auto (default)
  --network NAME       auto: a network of its own for each sandbox, if that works; host: the computer's
  --shared             serve several clients: write DIR/server.json, and run while leases are held
  --linger SECONDS     with --shared, how long to run after the last lease is released (default: 10)
  --keep-sandboxes     with --shared, also run while there are sandboxes
  --exit-with-parent   stop when the parent process exits
`;

/** What can isolate sandboxes. */
const RUNTIMES = ['auto', 'gvisor', 'namespaces'] as const;
export type Runtime = (typeof RUNTIMES)[number];

/** Whether sandboxes have networks of their own, if that works, or share the computer's. */
const NETWORKS = ['auto', 'host'] as const;
export type NetworkOption = (typeof NETWORKS)[number];

const PortSchema = z.coerce.number().int().min(0).max(65535);

const OptionsSchema = z
  .object({
    port: PortSchema.default(0),
    data: z.string('--data is required.').min(1),
    seed: z.string().optional(),
    token: z
      .array(z.string().regex(/^[^:]+:.+$/, '--token must have the form ID:SECRET.'))
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
    runtime: z.enum(RUNTIMES).default('auto'),
    network: z.enum(NETWORKS).default('auto'),
    shared: z.boolean().default(false),
    linger: z.coerce.number().nonnegative().default(10),
    'keep-sandboxes': z.boolean().default(false),
    'exit-with-parent': z.boolean().default(false),
    'open-tunnels': z.boolean().default(false),
    'sign-in': z.boolean().default(false),
  })
  .refine((options) => !(options.shared && options['sign-in']), "--sign-in can't be combined with --shared.");

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
      runtime: { type: 'string' },
      network: { type: 'string' },
      shared: { type: 'boolean' },
      linger: { type: 'string' },
      'keep-sandboxes': { type: 'boolean' },
      'exit-with-parent': { type: 'boolean' },
      'open-tunnels': { type: 'boolean' },
      'sign-in': { type: 'boolean' },
    },
  });
  const parsed = OptionsSchema.safeParse(values);
  if (!parsed.success) throw new StartError(sentences(parsed.error));
  return parsed.data;
}

function sentences({ issues }: z.ZodError): string {
  return issues
    .map(({ path, message }) => (message.startsWith('--') ? message : `--${path.join('.')}: ${message}.`))
    .join(' ');
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
  const { data, error } = SeedSchema.safeParse(jsonOf(await textOf(file), file));
  if (data) return data;
  const { path, message } = error.issues[0] as z.core.$ZodIssue;
  const place = path.length > 0 ? ` at “${path.join('.')}”` : '';
  throw new StartError(`The seed file ${file} isn't valid${place}: ${message}.`);
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new StartError(`Couldn't read the seed file (${(error as Error).message}).`);
  }
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StartError(`The seed file ${file} isn't valid JSON: ${(error as Error).message}.`);
  }
}
