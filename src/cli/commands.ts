import type { Context } from './context.ts';
import { COMMON_FLAGS, PROGRAM_FLAGS } from './flags.ts';
import { strings } from './strings.ts';

type FlagOptions = Parameters<typeof import('./flags.ts').parseFlags>[1];

/** A command of the command line. */
export interface Command {
  /** Its arguments, as in the first line of its help. */
  readonly usage: string;
  /** What it does, in one line. */
  readonly summary: () => string;
  /** More help, after the flags. */
  readonly details?: () => string;
  readonly flags: FlagOptions;
  /** What follows the first argument that isn't a flag belongs to a program. */
  readonly isProgram?: boolean;
  /** It ends itself when a signal arrives, after its program. */
  readonly handlesSignals?: boolean;
  /** The least and largest number of arguments. */
  readonly args?: readonly [number, number];
  /** Resolves with the exit code. */
  run(context: Context): Promise<number>;
}

const programFlags = { ...COMMON_FLAGS, ...PROGRAM_FLAGS };
const { sandbox } = PROGRAM_FLAGS;
const { folder, profile, account, local, help } = COMMON_FLAGS;
const MANY = Number.POSITIVE_INFINITY;

/** All commands, in the order of the help. Their code is loaded when they run. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  run: {
    usage: 'run [FLAGS] FILE [ARGUMENTS]',
    summary: strings.runSummary,
    details: strings.programDetails,
    flags: programFlags,
    isProgram: true,
    handlesSignals: true,
    args: [1, MANY],
    run: async (context) => (await import('./programs.ts')).runFile(context),
  },
  exec: {
    usage: 'exec [FLAGS] [--] PROGRAM [ARGUMENTS]',
    summary: strings.execSummary,
    details: strings.programDetails,
    flags: programFlags,
    isProgram: true,
    handlesSignals: true,
    args: [1, MANY],
    run: async (context) => (await import('./programs.ts')).exec(context),
  },
  shell: {
    usage: 'shell [FLAGS]',
    summary: strings.shellSummary,
    flags: { ...COMMON_FLAGS, sandbox },
    handlesSignals: true,
    run: async (context) => (await import('./programs.ts')).shell(context),
  },
  sync: {
    usage: 'sync [FLAGS]',
    summary: strings.syncSummary,
    flags: COMMON_FLAGS,
    run: async (context) => (await import('./files.ts')).sync(context),
  },
  pull: {
    usage: 'pull [FLAGS] PATH…',
    summary: strings.pullSummary,
    flags: COMMON_FLAGS,
    args: [1, MANY],
    run: async (context) => (await import('./files.ts')).pull(context),
  },
  status: {
    usage: 'status [FLAGS]',
    summary: strings.statusSummary,
    flags: COMMON_FLAGS,
    run: async (context) => (await import('./sandboxes.ts')).status(context),
  },
  ls: {
    usage: 'ls [FLAGS]',
    summary: strings.lsSummary,
    flags: { ...COMMON_FLAGS, all: { type: 'boolean', short: 'a' } },
    run: async (context) => (await import('./sandboxes.ts')).ls(context),
  },
  logs: {
    usage: 'logs [FLAGS] [RUN]',
    summary: strings.logsSummary,
    flags: { ...COMMON_FLAGS, list: { type: 'boolean', short: 'l' } },
    args: [0, 1],
    run: async (context) => (await import('./records.ts')).logs(context),
  },
  ports: {
    usage: 'ports [FLAGS] [PORT[:LOCAL]…]',
    summary: strings.portsSummary,
    flags: { ...COMMON_FLAGS, sandbox },
    args: [0, MANY],
    handlesSignals: true,
    run: async (context) => (await import('./ports.ts')).ports(context),
  },
  snapshot: {
    usage: 'snapshot [FLAGS]',
    summary: strings.snapshotSummary,
    flags: { ...COMMON_FLAGS, sandbox, name: { type: 'string', short: 'n' } },
    run: async (context) => (await import('./sandboxes.ts')).snapshot(context),
  },
  fork: {
    usage: 'fork [FLAGS]',
    summary: strings.forkSummary,
    flags: { ...COMMON_FLAGS, sandbox },
    run: async (context) => (await import('./sandboxes.ts')).fork(context),
  },
  stop: {
    usage: 'stop [FLAGS] [SANDBOX…]',
    summary: strings.stopSummary,
    flags: COMMON_FLAGS,
    args: [0, MANY],
    run: async (context) => (await import('./sandboxes.ts')).stop(context),
  },
  mcp: {
    usage: 'mcp [FLAGS]',
    summary: strings.mcpSummary,
    details: strings.mcpDetails,
    flags: { folder, profile, account, local, help, policy: { type: 'string' }, state: { type: 'string' } },
    handlesSignals: true,
    run: async (context) => (await import('./mcp.ts')).mcp(context),
  },
  permissions: {
    usage: 'permissions [FLAGS]',
    summary: strings.permissionsSummary,
    flags: { ...COMMON_FLAGS, forget: { type: 'boolean' } },
    run: async (context) => (await import('./permissions.ts')).permissions(context),
  },
  profiles: {
    usage: 'profiles [FLAGS]',
    summary: strings.profilesSummary,
    flags: COMMON_FLAGS,
    run: async (context) => (await import('./profiles.ts')).profiles(context),
  },
};
