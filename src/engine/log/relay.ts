/**
 * The relay between a shim's courier (native/log/log-courier.c), which has no cryptography, and a log server with TLS. A
 * process of its own, at the side of a container whose log goes to such a server. Acts.
 */
import { once } from 'node:events';
import { readFileSync, writeSync } from 'node:fs';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { fromSystemError } from '../../errors.ts';
import { builtInAuthorities, machineAuthorities } from '../../registry/certificate-directory.ts';
import type { RelayAsk } from './relay-ask.ts';

/** Milliseconds. */
const patience = 5000;

/** Copies standard input to the server, after a byte on standard output that says that it is there. @returns a status */
export async function runLogRelay(question: string): Promise<number> {
  try {
    const socket = await connectSecurely(JSON.parse(question) as RelayAsk);
    socket.on('error', () => process.exit(1));
    // A server that hangs up is noticed by the courier when this process is gone.
    socket.on('close', () => process.exit(1));
    writeSync(1, '+');
    for await (const piece of process.stdin) {
      if (!socket.write(piece as Uint8Array)) await once(socket, 'drain');
    }
    socket.removeAllListeners('close');
    socket.end();
    await once(socket, 'close', { signal: AbortSignal.timeout(2 * patience) });
    return 0;
  } catch {
    return 1;
  }
}

/** @throws Error in the words of TLS, of the network, or of a file that can't be read */
export async function connectSecurely({
  host,
  port,
  authority,
  certificate,
  key,
  verify,
}: RelayAsk): Promise<TLSSocket> {
  const more = authority === undefined ? [] : [read(authority)];
  const socket = connect({
    host,
    port,
    // A name that is none would be refused (RFC 6066, section 3).
    ...(isIP(host) === 0 && { servername: host }),
    ca: [machineAuthorities(process.env) ?? builtInAuthorities(), ...more],
    ...(certificate !== undefined && { cert: read(certificate) }),
    ...(key !== undefined && { key: read(key) }),
    rejectUnauthorized: verify,
  });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(patience) });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, `read "${path}"`);
  }
}
