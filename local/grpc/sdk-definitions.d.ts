/** The two names that the build's `wire-definitions` plugin exports from the SDK's bundle. */
import type { WireDefinition } from './wire.ts';

declare module 'modal' {
  export const ModalClientDefinition: WireDefinition;
  export const TaskCommandRouterDefinition: WireDefinition;
}
