/** The two names that the `wire-definitions` plugin of the build exports from the SDK's bundle. */
import type { WireDefinition } from './wire.ts';

declare module 'modal' {
  export const ModalClientDefinition: WireDefinition;
  export const TaskCommandRouterDefinition: WireDefinition;
}
