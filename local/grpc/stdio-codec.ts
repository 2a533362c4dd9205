/**
 * A faster codec for command output. The SDK's codec and the two layers below it copy each message three times, two of them
 * into new memory that has to be garbage-collected. The message has a single field, so this codec needs only one copy.
 */
import type { WireDefinition } from './wire.ts';

/** Field 1, length-delimited. */
const DATA_TAG = 0x0a;

/** Returns the router's definition with this codec for replies that contain output. */
export function withFastOutput(router: WireDefinition): WireDefinition {
  const method = router.methods.taskExecStdioRead;
  if (!method) throw new Error('The router definition has no taskExecStdioRead');
  // The layer below calls `encode(message).finish()` and creates a Buffer from the result, without a copy if that is an
  // ArrayBuffer. The next layer copies it immediately, so the same memory can be used for the next message of that size.
  let message = new ArrayBuffer(0);
  const encode = ({ data }: { data: Uint8Array }) => {
    const head = data.length === 0 ? [] : [DATA_TAG, ...varint(data.length)];
    const size = head.length + data.length;
    if (message.byteLength !== size) message = new ArrayBuffer(size);
    const bytes = new Uint8Array(message);
    bytes.set(head);
    bytes.set(data, head.length);
    return { finish: () => message };
  };
  const responseType = { ...method.responseType, encode, fromPartial: undefined };
  return { ...router, methods: { ...router.methods, taskExecStdioRead: { ...method, responseType } } };
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}
