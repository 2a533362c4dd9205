/** Gives gVisor to the containers that ask for it, on a server that isolates others differently. */
import { failedPrecondition } from '../../grpc/status.ts';
import type { Container, ContainerSpec, Isolation } from '../container.ts';

export class GvisorOnRequest implements Isolation {
  readonly #others: Isolation;
  readonly #find: () => Promise<Isolation | { problem: string }>;

  /** `find` returns gVisor, or why this computer can't run it. It's called for each container that asks. */
  constructor(others: Isolation, find: () => Promise<Isolation | { problem: string }>) {
    this.#others = others;
    this.#find = find;
  }

  /** Throws FAILED_PRECONDITION if the container asks for gVisor, and there is none. */
  async start(spec: ContainerSpec): Promise<Container> {
    if (spec.runtime !== 'gvisor') return this.#others.start(spec);
    const gvisor = await this.#find();
    if (!('problem' in gvisor)) return gvisor.start(spec);
    throw failedPrecondition(
      `The sandbox asks for gVisor, which Local Modal can't give it: ${gvisor.problem}. To run it without, remove its “runtime”.`,
    );
  }
}
