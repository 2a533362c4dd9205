/** The names that the `wire-definitions` plugin of the build exports from the SDK's bundle. */
import type { WireDefinition } from './wire.ts';

declare module 'modal' {
  export const ModalClientDefinition: WireDefinition;
  export const TaskCommandRouterDefinition: WireDefinition;

  /** Reads Protocol Buffers. A tag is the number of a field and its type. */
  export class BinaryReader {
    constructor(message: Uint8Array);
    readonly pos: number;
    readonly len: number;
    uint32(): number;
    float(): number;
    string(): string;
    skip(type: number): void;
  }
  /** Writes Protocol Buffers. What follows `fork` is a message in a message, up to `join`. */
  export class BinaryWriter {
    uint32(value: number): this;
    int32(value: number): this;
    bool(value: boolean): this;
    string(value: string): this;
    bytes(value: Uint8Array): this;
    fork(): this;
    join(): this;
    finish(): Uint8Array;
  }
}
