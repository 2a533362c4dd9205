/**
 * The codec of output. The SDK's own and the two layers below it copy each message three times, two of them into new
 * memory that the garbage collector has to run for; the message is one field, so it is written here in one copy.
 */
import type { WireDefinition } from './wire.ts';

/** Field 1, length-delimited. */
const DATA_TAG = 0x0a;

/** The router's definition, with this codec for the reply that carries output. */
export function withFastOutput(router: WireDefinition): WireDefinition {
  const method = router.methods.taskExecStdioRead;
  if (!method) throw new Error('The router has no output to read');
  // The definition is asked for `encode(message).finish()`, of which the layer below makes a Buffer: of an ArrayBuffer
  // that is without a copy. The next layer copies at once, so that memory of the same size can serve again.
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
