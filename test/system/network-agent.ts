/**
 * A process in a network namespace that does what network.test.ts asks it: one JSON line in, one JSON line out.
 * Whatever needs the engine's network code in a namespace, and a server or client there, goes through it.
 */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { netlinkSocket } from '../../src/kernel/netlink-socket.ts';
import type { NetlinkStep } from '../../src/kernel/netlink-step.ts';
import { ensureBridge, readHostNetworks, removeBridge } from '../../src/network/bridge.ts';
import { parseError, parseMessages } from '../../src/network/netlink-message.ts';
import type { Network } from '../../src/network/network.ts';
import type { PortMapping, Protocol } from '../../src/network/port.ts';
import { checkHostPort, publishedPorts, publishPorts, unpublishPorts } from '../../src/network/publish.ts';
import { runOnce } from './shim-container.ts';

/** A step whose bytes have become text. */
export type WireStep = {
  readonly protocol: NetlinkStep['protocol'];
  readonly messages: readonly { readonly hex: string; readonly pidAt: readonly number[] }[];
};

const calls = {
  ensureBridge: (network: Network) => ensureBridge(network),
  removeBridge: (network: Network) => removeBridge(network),
  readHostNetworks: () => readHostNetworks(),
  publishPorts: (network: Network, id: string, address: string, ports: PortMapping[]) =>
    publishPorts(network, id, address, ports),
  unpublishPorts: (network: Network, id: string) => unpublishPorts(network, id),
  publishedPorts: (network: Network) => publishedPorts(network),
  checkHostPort: (port: PortMapping) => checkHostPort(port),
  sendStep,
  runShim,
  serve,
  dial,
};

export type Calls = typeof calls;

/** What the shim does with a step. @throws Error with the errno of the first refusal */
function sendStep(step: WireStep, pid: number): void {
  for (const { hex, pidAt } of step.messages) {
    const bytes = Buffer.from(hex, 'hex');
    for (const place of pidAt) bytes.writeUInt32LE(pid, place);
    for (const message of netlinkSocket(step.protocol).transact(bytes).flatMap(parseMessages)) {
      if (message.type !== 2) continue;
      const { errno, text } = parseError(message.payload);
      if (errno !== 0) throw new Error(`message ${message.sequence}: errno ${errno} ${text}`);
    }
  }
}

/** Runs a command in a container whose only special steps are these; what it printed, and the step that failed. */
async function runShim(
  attach: WireStep,
  init: WireStep,
  argv: string[],
): Promise<{ stdout: string; failure: string | null }> {
  const told = await runOnce({ argv, attach: [unwire(attach)], steps: [unwire(init)] });
  return { stdout: told.stdout, failure: told.record.failure?.text ?? null };
}

function unwire({ protocol, messages }: WireStep): NetlinkStep {
  const decoded = messages.map(({ hex, pidAt }) => ({ bytes: Buffer.from(hex, 'hex'), pidAt, what: 'message' }));
  return { op: 'netlink', protocol, messages: decoded, what: 'step' };
}

/** A server that answers everybody with its name and the address that it sees. */
function serve(protocol: Protocol, address: string, port: number, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (protocol === 'tcp') {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.end(`${name} sees ${socket.remoteAddress}`);
      });
      server.once('error', reject);
      server.listen(port, address, () => resolve());
      return;
    }
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.on('message', (_bytes, from) => socket.send(`${name} sees ${from.address}`, from.port, from.address));
    socket.bind(port, address, () => resolve());
  });
}

/** What the server says; "timeout" or the errno when it says nothing within 700 ms. */
function dial(protocol: Protocol, address: string, port: number): Promise<string> {
  const wait = 700;
  return new Promise((resolve) => {
    if (protocol === 'tcp') {
      let said = '';
      const socket = connect(port, address);
      socket.setTimeout(wait, () => {
        socket.destroy();
        resolve('timeout');
      });
      socket.on('data', (bytes) => {
        said += String(bytes);
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
      socket.on('end', () => resolve(said));
      return;
    }
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const finish = (said: string): void => {
      clearTimeout(timer);
      socket.close();
      resolve(said);
    };
    const timer = setTimeout(() => finish('timeout'), wait);
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'error'));
    socket.on('message', (bytes) => finish(String(bytes)));
    // Connected, so that an answer from another address than was asked is not taken.
    socket.connect(port, address, () => socket.send('?'));
  });
}

if (process.argv[1] === import.meta.filename) {
  const lines = createInterface({ input: process.stdin });
  console.log(JSON.stringify({ ready: process.pid }));
  for await (const line of lines) {
    const { call, args } = JSON.parse(line) as { call: keyof Calls; args: never[] };
    try {
      const act = calls[call] as (...args: never[]) => unknown;
      console.log(JSON.stringify({ result: (await act(...args)) ?? null }));
    } catch (error) {
      const code: unknown = Reflect.get(Object(error), 'code');
      console.log(JSON.stringify({ error: { code, message: error instanceof Error ? error.message : String(error) } }));
    }
  }
  process.exit(0);
}
