import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, parse, resolve } from 'node:path';
import { MINUTE_MS } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import { setLog } from '../base/log.ts';
import { findFolder } from '../service/requests.ts';
import { Agent } from './agent.ts';
import { policyPath, readPolicy } from './policy.ts';
import { serve } from './serve.ts';
import { openHost, type ServiceHost } from './service-host.ts';
import { strings } from './strings.ts';

/** What the command line of a server says. Only the user, or a client's file that they have checked, writes it. */
export interface ServerOptions {
  /** Defaults to the project that the server was started in. */
  readonly folder?: string | undefined;
  /** The folder with what the editor's windows remember, such as answers and Local Modal's data. */
  readonly state?: string | undefined;
  /** A value of `modal.account`. */
  readonly account?: string | undefined;
  readonly profile?: string | undefined;
  /** The policy file. Defaults to the user's. */
  readonly policy?: string | undefined;
}

/** Serves one agent over the standard streams until its client is gone. */
export async function serveAgent({ policy: file = policyPath(), ...options }: ServerOptions): Promise<void> {
  // The standard output belongs to the protocol.
  const say = (message: string) => void process.stderr.write(`${message}\n`);
  setLog({ info: () => {}, warn: say, error: say });
  // The client may be gone, and what it can't read must not end the clean-up.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const policy = { path: file, read: () => readPolicy(file) };
  let host: ServiceHost | undefined;
  const open = async (client: string) => {
    const { sandbox: mode, budgetUsd, idleTimeoutMinutes, maxSandboxes, profile } = await policy.read();
    host = await openHost({ profile, ...options, folder: folderOf(options.folder) });
    const limits = { budgetUsd, idleTimeoutMs: idleTimeoutMinutes * MINUTE_MS, maxSandboxes };
    const agent = new Agent(host, { client, mode, profile: options.profile ?? profile, ...limits }, policy);
    host.permissions = agent.permissions;
    return agent;
  };
  await serve(version(), open, async () => host?.dispose());
}

/** Returns the folder to work on. Throws `UserError` for one that can't be a project, as where some clients start servers. */
function folderOf(given: string | undefined): string {
  if (given !== undefined) return resolve(given);
  const cwd = process.cwd();
  const found = findFolder(cwd);
  if (found === homedir() || found === parse(found).root) throw new UserError(strings.folderNeeded(cwd));
  return found;
}

function version(): string {
  try {
    return JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')).version;
  } catch {
    return '0.0.0';
  }
}
