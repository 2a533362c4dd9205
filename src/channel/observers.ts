import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { Kind, ProtocolError } from './frames.ts';
import { type Helper, parse } from './helper.ts';
import { HIGH_WATER_MARK_BYTES, Incoming } from './parts.ts';
import { explained } from './socket.ts';
import { strings } from './strings.ts';

/** A port that a program in a sandbox listens on. */
export interface ListeningPort {
  readonly port: number;
  /** The address, such as `127.0.0.1`, `0.0.0.0`, `::`, or `::1`. */
  readonly address: string;
  /** The program's process ID and command line. Absent if its process can't be found, such as one of another user. */
  readonly pid?: number;
  readonly command?: string;
}

const PortSchema = z.tuple([
  z.enum(['tcp', 'tcp6']),
  z.string().regex(/^([0-9A-F]{8}|[0-9A-F]{32}):[0-9A-F]{4}$/),
  z.string().regex(/^\d{0,10}$/),
  z.string().max(400),
]);

/** A listener is called at most this often, whatever the helper says. */
const MIN_INTERVAL_MS = 250;

/** Watches the ports that programs listen on. Returns a function that stops it. */
export function watchPorts(
  helper: Helper,
  clock: Clock,
  listener: (ports: readonly ListeningPort[]) => void,
): () => void {
  let latest: readonly ListeningPort[] | undefined;
  let isWaiting = false;
  let cancel = () => {};
  const tell = () => {
    isWaiting = latest !== undefined;
    if (!latest) return;
    cancel = clock.after(MIN_INTERVAL_MS, tell);
    listener(latest);
    latest = undefined;
  };
  const id = helper.open('ports', [0, 0], [], {
    ...SILENT,
    told(kind, texts) {
      if (kind !== Kind.ports) return;
      const rows = Array.from({ length: Math.ceil(texts.length / 4) }, (_, at) => texts.slice(at * 4, at * 4 + 4));
      latest = rows.map(portOf);
      if (!isWaiting) tell();
    },
  });
  return () => {
    cancel();
    helper.abort(id);
  };
}

function portOf(row: readonly string[]): ListeningPort {
  const [, address, pid, command] = parse(PortSchema, row);
  const [hex = '', port = ''] = address.split(':');
  return {
    port: Number.parseInt(port, 16),
    address: addressOf(hex),
    ...(pid !== '' && { pid: Number(pid), command }),
  };
}

/** Returns the address of /proc/net/tcp or tcp6: each four bytes are one little-endian number. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  bytes.swap32();
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(':');
  return new URL(`http://[${groups}]`).hostname.slice(1, -1);
}

/** Returns what is in a file and what is appended to it. The file may not exist yet, may be cut off, or replaced. */
export function tail(helper: Helper, path: string, from: 'start' | 'end'): Readable {
  const reader: Readable = new Readable({
    highWaterMark: HIGH_WATER_MARK_BYTES,
    read: () => incoming.read(),
    destroy: (error, done) => {
      helper.abort(id);
      incoming.discard();
      incoming.end();
      done(error);
    },
  });
  const incoming = new Incoming(reader, helper.pool, (bytes) => helper.grant(id, 1, bytes));
  const id = helper.open('tail', [incoming.firstCredit, 0], [path, from], {
    ...SILENT,
    data: (part, bytes) => {
      if (part !== 1) throw new ProtocolError(`Bytes of part ${part}`);
      incoming.take(bytes);
    },
    closed: (error) => {
      if (error) reader.destroy(explained(error, path));
      incoming.end();
    },
  });
  return reader;
}

/** Sends a signal to a process, or to a group if the ID is negative. Rejects with a `UserError` if it can't be sent. */
export function signalProcess(helper: Helper, pid: number, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve, reject) => {
    helper.open('signal', [0, 0], [pid, signal], {
      ...SILENT,
      closed: (error) => (error ? reject(explained(error, strings.processOf(pid))) : resolve()),
    });
  });
}

const SILENT = {
  data: () => {
    throw new ProtocolError('Unwanted bytes');
  },
  end: () => {},
  credit: () => {},
  told: () => {},
  closed: () => {},
};
