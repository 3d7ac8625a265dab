/** Log servers for tests: what comes is kept until somebody asks for it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createSecureServer, type TlsOptions } from 'node:tls';
import { gunzipSync, inflateSync } from 'node:zlib';
import { eventually } from '../harness/program.ts';

export type Receiver = AsyncDisposable & {
  readonly port: number;
  /** What has come: datagrams, or the bytes of each connection. */
  readonly received: Buffer[];
  /** Resolves when what has come satisfies `enough`. */
  until(enough: (received: readonly Buffer[]) => boolean): Promise<void>;
  /** Closes what is connected now. */
  hangUp(): void;
};

export async function udpReceiver(): Promise<Receiver> {
  const socket = createSocket('udp4');
  const received: Buffer[] = [];
  socket.on('message', (message) => received.push(message));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    received,
    until: (enough) => eventually('the datagrams come', () => enough(received)),
    hangUp: () => {},
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

/** @param at a path, or a port; any free port if absent. @param tls what a server with TLS shows and asks for */
export async function streamReceiver(at: string | number = 0, tls?: TlsOptions): Promise<Receiver> {
  const received: Buffer[] = [];
  const connected = new Set<Socket>();
  const take = (socket: Socket): void => {
    const index = received.push(Buffer.alloc(0)) - 1;
    connected.add(socket);
    socket.on('data', (bytes: Buffer) => {
      received[index] = Buffer.concat([received[index] ?? Buffer.alloc(0), bytes]);
    });
    socket.on('error', () => {});
    socket.on('close', () => connected.delete(socket));
  };
  const server = tls === undefined ? createServer(take) : createSecureServer(tls, take);
  if (typeof at === 'string') server.listen(at);
  else server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  const hangUp = (): void => {
    for (const socket of connected) socket.destroy();
  };
  return {
    port: typeof at === 'string' ? 0 : (server.address() as AddressInfo).port,
    received,
    until: (enough) => eventually('the bytes come', () => enough(received)),
    hangUp,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      hangUp();
      await closed;
    },
  };
}

/** The messages of GELF in datagrams, put together from their chunks and decompressed (GELF 1.1, "Chunking"). */
export function gelfMessages(datagrams: readonly Buffer[]): Record<string, unknown>[] {
  const chunked = new Map<string, Buffer[]>();
  const whole: Buffer[] = [];
  for (const datagram of datagrams) {
    if (datagram.readUInt16BE(0) !== 0x1e0f) {
      whole.push(datagram);
      continue;
    }
    const id = datagram.toString('hex', 2, 10);
    const chunks = chunked.get(id) ?? [];
    chunks[datagram[10] ?? 0] = datagram.subarray(12);
    chunked.set(id, chunks);
    if (Object.keys(chunks).length === datagram[11]) whole.push(Buffer.concat(chunks));
  }
  return whole.map((bytes) => JSON.parse(decompressed(bytes).toString()) as Record<string, unknown>);
}

function decompressed(bytes: Buffer): Buffer {
  if (bytes[0] === 0x1f) return gunzipSync(bytes);
  return bytes[0] === 0x78 ? inflateSync(bytes) : bytes;
}

/** Values of msgpack, as many as are whole (its specification), of the kinds that the forward protocol has. */
export function unpackAll(bytes: Buffer): unknown[] {
  const values: unknown[] = [];
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('not whole');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const number = (length: number): number => take(length).readUIntBE(0, length);
  const list = (length: number): unknown[] => Array.from({ length }, value);
  const map = (length: number): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length }, () => [String(value()), value()]));
  function value(): unknown {
    const type = number(1);
    if (type < 0x80) return type;
    if (type < 0x90) return map(type & 15);
    if (type < 0xa0) return list(type & 15);
    if (type < 0xc0) return take(type & 31).toString();
    if (type === 0xce) return number(4);
    if (type === 0xd7 && number(1) === 0) return { seconds: number(4), nanoseconds: number(4) };
    if (type === 0xd9) return take(number(1)).toString();
    if (type === 0xda) return take(number(2)).toString();
    if (type === 0xde) return map(number(2));
    throw new Error(`msgpack type ${type.toString(16)}`);
  }
  while (at < bytes.length) {
    try {
      values.push(value());
    } catch (error) {
      if (error instanceof RangeError) break;
      throw error;
    }
  }
  return values;
}
