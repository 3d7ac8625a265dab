/** Whether a log server answers, asked before a container is started: Docker refuses the start otherwise. Acts. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { OnggiError } from '../../errors.ts';
import type { LogServer, LogTarget } from '../../runtime/plan/steps.ts';
import type { RelayAsk } from './relay-ask.ts';

const patience = 5000;

/** @throws OnggiError `unavailable`; never for datagrams, which nobody answers */
export async function probeLogServer({ driver, server }: LogTarget): Promise<void> {
  if (server.transport === 'udp' || server.transport === 'datagram') return;
  try {
    (await connectTo(server)).destroy();
  } catch (error) {
    const found =
      error instanceof Error && error.name === 'AbortError' ? `no answer within ${patience / 1000} s` : error;
    throw new OnggiError(
      'unavailable',
      `failed to initialize logging driver: ${driver}: connect to "${shown(server)}": ${found instanceof Error ? found.message : found}`,
      { hint: 'Start the log server, or use a driver that needs none.' },
    );
  }
}

async function connectTo(server: LogServer): Promise<Socket> {
  if (server.transport === 'tls') {
    const { connectSecurely } = await import('./relay.ts');
    return await connectSecurely(JSON.parse(server.command.at(-1) ?? '') as RelayAsk);
  }
  const { connect } = await import('node:net');
  const { address, port } = server;
  const socket = server.transport === 'stream' ? connect(address) : connect(port, address);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(patience) });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function shown({ address, port }: LogServer): string {
  return port === 0 ? address : `${address}:${port}`;
}
