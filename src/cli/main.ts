import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { untilAborted } from '../base/cancellation.ts';
import type { Service } from '../service/service.ts';
import type { SandboxService, ServiceOptions } from '../service/types.ts';
import { COMMANDS, type Command } from './commands.ts';
import type { Context } from './context.ts';
import { byDistance, type Flags, parseFlags, UsageError } from './flags.ts';
import { helpFor, overview } from './help.ts';
import { EXIT_SIGNAL, EXIT_USAGE, report } from './outcome.ts';
import { drained, Output } from './output.ts';
import { strings } from './strings.ts';

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs a command line, and ends the process with its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const [name, ...rest] = argv;
  if (name === '--version' || name === '-v') return end(0, `${version()}\n`);
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = name === 'help' ? rest[0] : undefined;
    if (about === undefined) return end(name === undefined ? EXIT_USAGE : 0, overview());
    return Object.hasOwn(COMMANDS, about) ? end(0, helpFor(about)) : refuse(unknownCommand(about));
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) return refuse(unknownCommand(name));
  try {
    const parsed = parseFlags(rest, command.flags, command.isProgram === true);
    if (parsed.flags.help) return end(0, helpFor(name));
    const [min, max] = command.args ?? [0, 0];
    if (parsed.args.length < min) throw new UsageError(strings.argumentMissing(`sandboxes ${command.usage}`));
    if (parsed.args.length > max)
      throw new UsageError(strings.tooManyArguments(parsed.args[max] ?? '', `sandboxes ${command.usage}`));
    await exit(await perform(command, parsed.flags, parsed.args));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    refuse(`${error.message}\n${strings.seeHelp(name)}`);
  }
}

/** Creates what other programs get from `modal-sandboxes/service`. */
export async function createService(options: ServiceOptions): Promise<SandboxService> {
  return (await import('../service/public.ts')).createPublicService(options);
}

async function perform(command: Command, flags: Flags, args: readonly string[]): Promise<number> {
  const output = new Output({ json: flags.json === true, quiet: flags.quiet === true }, process);
  const ending = new AbortController();
  let received: NodeJS.Signals | undefined;
  for (const signal of ENDING_SIGNALS) {
    process.on(signal, () => {
      if (received) process.exit(EXIT_SIGNAL + constants.signals[received]);
      received = signal;
      ending.abort(signal);
    });
  }
  // A reader that has closed its end, such as `head`, wants no more.
  process.stdout.on('error', () => {});
  let creating: Promise<Service> | undefined;
  const context: Context = {
    flags,
    args,
    cwd: process.cwd(),
    output,
    signal: ending.signal,
    service: () => (creating ??= import('./open-service.ts').then(({ openService }) => openService(context))),
  };
  try {
    const running = command.run(context);
    // Programs are stopped before the command ends.
    return await (command.handlesSignals ? running : untilAborted(running, ending.signal));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (received) return EXIT_SIGNAL + constants.signals[received];
    const { explainLogged } = await import('../modal/explain/explain.ts');
    const service = await creating?.catch(() => undefined);
    return report(output, explainLogged(error), service);
  } finally {
    output.clear();
    const service = await creating?.catch(() => undefined);
    await service?.dispose();
  }
}

function unknownCommand(name: string): string {
  return strings.unknownCommand(name, byDistance(name, Object.keys(COMMANDS)));
}

function refuse(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(EXIT_USAGE);
}

async function end(code: number, text: string): Promise<void> {
  process.stdout.write(text);
  await exit(code);
}

/** Ends the process once all that it has written is read. */
async function exit(code: number): Promise<never> {
  await drained([process.stdout, process.stderr]);
  process.exit(code);
}

/** Returns the version in the package that this program is part of. */
function version(): string {
  const folder: string | undefined = typeof __dirname === 'string' ? __dirname : undefined;
  const path = folder
    ? resolve(folder, '..', 'package.json')
    : resolve(import.meta.dirname, '..', '..', 'package.json');
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(path, 'utf8'))).version;
}
