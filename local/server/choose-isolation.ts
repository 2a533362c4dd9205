/** Chooses what isolates sandboxes. */
import { join } from 'node:path';
import { type Base, prepareBase } from '../isolation/base.ts';
import type { Isolation } from '../isolation/container.ts';
import { Gvisor } from '../isolation/gvisor/gvisor.ts';
import { GvisorOnRequest } from '../isolation/gvisor/on-request.ts';
import { findRunsc, whyUnfit } from '../isolation/gvisor/runsc.ts';
import { Namespaces, whyNoNamespaces } from '../isolation/namespaces.ts';
import { Networks } from '../isolation/networks.ts';
import { NAME_SERVER } from '../isolation/own-network.ts';
import { whyRoot } from '../isolation/root-mapping.ts';
import { IsolationUnavailable, Unisolated } from '../isolation/unisolated.ts';
import type { NetworkOption, Runtime } from './options.ts';

export interface IsolationOptions {
  readonly allowUnisolated: boolean;
  readonly runtime: Runtime;
  readonly network: NetworkOption;
}

export interface ChosenIsolation {
  readonly isolation: Isolation;
  /** What it is and does, as sentences. */
  readonly description: string;
  /** What it is, for programs: `refused` if sandboxes can't start. */
  readonly runtime: 'gvisor' | 'namespaces' | 'none' | 'refused';
}

/** Chooses what isolates sandboxes: what is asked for, or the strongest that this computer has. */
export async function chooseIsolation(dataFolder: string, options: IsolationOptions): Promise<ChosenIsolation> {
  const { allowUnisolated, runtime, network } = options;
  const reason = await whyNoNamespaces(join(dataFolder, 'trial'));
  const rootReason = whyRoot();
  if ((reason || rootReason) && !allowUnisolated) return refusing(new IsolationUnavailable({ reason, rootReason }));
  if (reason) {
    const isolation = new GvisorOnRequest(new Unisolated(), async () => ({ problem: reason }));
    return { isolation, description: 'Programs run without isolation.', runtime: 'none' };
  }
  const networks = network === 'auto' ? await Networks.find() : Networks.host();
  const base = await prepareBase(dataFolder, networks.areOwn ? NAME_SERVER : undefined);
  const find = () => findGvisor(base, dataFolder, networks);
  const namespaces = new GvisorOnRequest(new Namespaces(base, dataFolder, networks), find);
  const isolated = `Sandboxes are isolated by Linux namespaces, and share the kernel of this computer. ${networks.description}`;
  if (runtime === 'namespaces') return { isolation: namespaces, description: isolated, runtime: 'namespaces' };
  // Who asks for gVisor sees for themselves whether it's fit.
  const gvisor = await findGvisor(base, dataFolder, networks, { isTried: runtime === 'auto' });
  if (!('problem' in gvisor)) {
    const description = `Sandboxes run in gVisor (${gvisor.runsc}), each with a kernel of its own. ${networks.description}`;
    return { isolation: gvisor, description, runtime: 'gvisor' };
  }
  if (runtime === 'auto')
    return { isolation: namespaces, description: `${isolated} ${gvisor.problem}.`, runtime: 'namespaces' };
  return refusing(new IsolationUnavailable({ gvisorReason: gvisor.problem }));
}

/** Returns gVisor, or why it can't be used. If `isTried`, programs are run in it to find that out. */
async function findGvisor(
  base: Base,
  dataFolder: string,
  networks: Networks,
  { isTried } = { isTried: true },
): Promise<Gvisor | { problem: string }> {
  const found = findRunsc();
  if ('problem' in found) return found;
  const gvisor = new Gvisor(base, dataFolder, found.path, networks);
  const problem = isTried ? await whyUnfit(found.path, gvisor, dataFolder) : undefined;
  return problem ? { problem } : gvisor;
}

function refusing(isolation: IsolationUnavailable): ChosenIsolation {
  return { isolation, description: isolation.message, runtime: 'refused' };
}
