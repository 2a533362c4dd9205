/**
 * The variables of a command, on their way into a container. The helpers that enter it run on the host, and variables such as
 * LD_PRELOAD would act on them, so each travels under a name that means nothing to any program. They don't travel as arguments,
 * because every user of the computer can read those.
 */
import { tool } from './tools.ts';

export interface CarriedVariables {
  /** The environment for the helpers. */
  readonly env: Readonly<Record<string, string>>;
  /** A command line for the container. It runs the arguments appended to it with the variables, and no others. */
  readonly argv: readonly string[];
}

/** Prepares to run a command with these variables in a directory of the container. */
export function carryVariables(variables: Readonly<Record<string, string>>, workdir: string): CarriedVariables {
  const env: Record<string, string> = {};
  // `env` expands ${V0} itself, from its own environment.
  const split = ['-i'];
  const possible = Object.entries(variables).filter(([name]) => name !== '' && !name.includes('='));
  for (const [index, [name, value]] of possible.entries()) {
    env[`V${index}`] = value;
    split.push(`'${name.replace(/[\\']/g, '\\$&')}'=\${V${index}}`);
  }
  return { env, argv: [tool('env'), `--chdir=${workdir}`, '-S', split.join(' ')] };
}
