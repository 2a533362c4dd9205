/**
 * Messages of the few calls that the SDK (0.11.1) doesn't expose. The SDK exports neither its definitions nor its codecs.
 * https://protobuf.dev/programming-guides/encoding/
 */
import type { MethodDefinition } from 'nice-grpc';

const Wire = { varint: 0, eightBytes: 1, bytes: 2, fourBytes: 5 } as const;

/** A number that is encoded in four bytes. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export type Field = string | number | boolean | Uint8Array | Float | undefined;

/** Encodes a message whose fields are numbered from 1. An undefined field is omitted. */
export function encode(fields: readonly Field[]): Uint8Array {
  const parts = fields.flatMap((field, at) => {
    const tag = (type: number) => varint(((at + 1) << 3) | type);
    if (field === undefined) return [];
    if (typeof field === 'number' || typeof field === 'boolean') return [tag(Wire.varint), varint(Number(field))];
    if (field instanceof Float) {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatLE(field.value);
      return [tag(Wire.fourBytes), bytes];
    }
    const bytes = Buffer.from(field as string);
    return [tag(Wire.bytes), varint(bytes.length), bytes];
  });
  return Buffer.concat(parts);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

/** The fields of a message that are numbers or bytes, by number. Others are skipped. Throws if a message is cut off. */
export function decode(message: Uint8Array): ReadonlyMap<number, number | Uint8Array> {
  const fields = new Map<number, number | Uint8Array>();
  let at = 0;
  const byte = (): number => {
    const value = message[at];
    if (value === undefined) throw new RangeError('The message is cut off');
    at += 1;
    return value;
  };
  const number = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const next = byte();
      value += (next % 128) * factor;
      if (next < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = number();
    const [field, type] = [tag >> 3, tag & 7];
    if (type === Wire.varint) fields.set(field, number());
    else {
      const length = type === Wire.bytes ? number() : type === Wire.eightBytes ? 8 : 4;
      if (at + length > message.length) throw new RangeError('The message is cut off');
      if (type === Wire.bytes) fields.set(field, message.subarray(at, at + length));
      at += length;
    }
  }
  return fields;
}

/** Returns a field that is a text; empty if the message has none. */
export function textOf(fields: ReadonlyMap<number, number | Uint8Array>, number: number): string {
  const value = fields.get(number);
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '';
}

/** Defines a call for a client. */
export function clientMethod<Request, Response, Stream extends boolean>(
  path: string,
  responseStream: Stream,
  fields: (request: Request) => Field[],
  decodeResponse: (message: Uint8Array) => Response,
): MethodDefinition<Request, Request, Response, Response, false, Stream> {
  const unused = () => {
    throw new Error('A client only');
  };
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: (request) => encode(fields(request)),
    requestDeserialize: unused,
    responseSerialize: unused,
    responseDeserialize: decodeResponse,
    options: {},
  };
}
