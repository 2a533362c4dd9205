/** The RPC of older SDK releases that the SDK's definition no longer has. */
import { BinaryReader, BinaryWriter } from 'modal';
import type { WireDefinition } from './wire.ts';

/** The request of `ContainerFilesystemExecGetOutput`. */
export interface FileOutputRequest {
  readonly execId: string;
  /** The limit in seconds. */
  readonly timeout: number;
}
/** One of its replies: some of the output, a failure, or the end. */
export interface FileOutput {
  readonly output?: readonly Uint8Array[];
  readonly error?: { readonly errorCode: number; readonly errorMessage: string };
  readonly eof?: boolean;
}

const requestType = {
  encode({ execId }: FileOutputRequest): BinaryWriter {
    return new BinaryWriter().uint32(0x0a).string(execId);
  },
  decode(message: Uint8Array): FileOutputRequest {
    const reader = new BinaryReader(message);
    let [execId, timeout] = ['', 0];
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 0x0a) execId = reader.string();
      else if (tag === 0x15) timeout = reader.float();
      else reader.skip(tag & 7);
    }
    return { execId, timeout };
  },
};

const responseType = {
  encode({ output = [], error, eof }: FileOutput): BinaryWriter {
    const writer = new BinaryWriter();
    for (const bytes of output) writer.uint32(0x0a).bytes(bytes);
    if (error) {
      writer.uint32(0x12).fork();
      writer.uint32(0x08).int32(error.errorCode).uint32(0x12).string(error.errorMessage).join();
    }
    if (eof) writer.uint32(0x20).bool(true);
    return writer;
  },
};

/** Returns the control plane's definition with this RPC. */
export function withOlderMethods(controlPlane: WireDefinition): WireDefinition {
  const containerFilesystemExecGetOutput = {
    name: 'ContainerFilesystemExecGetOutput',
    requestType,
    requestStream: false,
    responseType,
    responseStream: true,
    options: {},
  };
  return { ...controlPlane, methods: { ...controlPlane.methods, containerFilesystemExecGetOutput } };
}
