/** The networks of containers. */
import type { ContainerNetwork, NetworkAccess } from './container.ts';
import { findStack, OwnNetwork } from './own-network.ts';
import { connectToHost } from './relay.ts';

const fixed = { enter: [], setAllowlist: async () => {} };
const LOOPBACK: ContainerNetwork = { ...fixed, isLoopback: true };
/** The computer's own network. */
export const HOST: ContainerNetwork = { ...fixed, isLoopback: false, connect: connectToHost };

export class Networks {
  readonly #stack: string | undefined;
  /** What they are, as a sentence. */
  readonly description: string;

  private constructor(stack: string | undefined, description: string) {
    this.#stack = stack;
    this.description = description;
  }

  /** The computer's own network, or none. */
  static host(reason = ''): Networks {
    return new Networks(undefined, `They share the network of this computer${reason}.`);
  }

  /** Networks of their own for all containers, or if this computer doesn't have what they need, as `host`. */
  static async find(): Promise<Networks> {
    const stack = await findStack();
    if ('problem' in stack) return Networks.host(` (${stack.problem})`);
    return new Networks(stack.path, 'Each has a network of its own.');
  }

  /** Whether containers have networks of their own. */
  get areOwn(): boolean {
    return this.#stack !== undefined;
  }

  /**
   * Returns the network of a new container, and what to call when the container is gone. Without networks of their own, containers
   * that may reach only some addresses reach none.
   */
  async join(wanted: NetworkAccess | ContainerNetwork): Promise<{ network: ContainerNetwork; leave(): void }> {
    const shared = (network: ContainerNetwork) => ({ network, leave: () => {} });
    if (wanted === 'none') return shared(LOOPBACK);
    if (wanted !== 'open' && 'enter' in wanted) return shared(wanted);
    if (!this.#stack) return shared(wanted === 'open' ? HOST : LOOPBACK);
    const network = await OwnNetwork.start(this.#stack, wanted);
    return { network, leave: () => network.close() };
  }
}
