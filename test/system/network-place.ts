/**
 * Network namespaces for tests: the host, neighbours of it, containers. Each is held by an agent process and goes
 * with it; the machine's own namespace is never touched.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { NetlinkStep } from '../../src/kernel/netlink-step.ts';
import type { Bridge, Network } from '../../src/network/network.ts';
import type { PortMapping } from '../../src/network/port.ts';
import { vethSteps } from '../../src/network/veth.ts';
import type { Calls, WireStep } from './network-agent.ts';

export type Agent = AsyncDisposable & {
  readonly pid: number;
  /** Runs one of the agent's calls in its namespace; rejects with `code` when that throws. */
  call<K extends keyof Calls>(name: K, ...args: Parameters<Calls[K]>): Promise<Awaited<ReturnType<Calls[K]>>>;
  /** Runs a program in its namespace and returns what it prints. @throws Error when it fails */
  sh(command: string): string;
};

export async function newNamespace(): Promise<Agent> {
  const script = join(import.meta.dirname, 'network-agent.ts');
  const child = spawn('unshare', ['--net', process.execPath, script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  const pid = child.pid ?? -1;
  let busy: Promise<unknown> = Promise.resolve();
  const ask = async (line: string): Promise<never> => {
    child.stdin.write(`${line}\n`);
    const { value } = await lines.next();
    const answer = JSON.parse(String(value));
    if (answer.error !== undefined) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
    return answer.result as never;
  };
  const agent: Agent = {
    pid,
    call(name, ...args) {
      // One at a time: answers come in the order of the questions.
      const answer = busy.then(() => ask(JSON.stringify({ call: name, args })));
      busy = answer.catch(() => {});
      return answer;
    },
    sh(command) {
      const result = spawnSync('nsenter', ['-t', String(pid), '-n', 'sh', '-ec', command], { encoding: 'utf8' });
      if (result.status !== 0) throw new Error(`${command}: ${result.stderr}`);
      return result.stdout;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
  // A new namespace begins with the settings of the machine's first one.
  agent.sh('ip link set lo up; echo 0 >/proc/sys/net/ipv4/ip_forward');
  return agent;
}

/** Connects two namespaces: `addresses` are those of the host's and of the neighbour's end, in CIDR notation. */
export function cable(host: Agent, link: string, neighbour: Agent, addresses: readonly [string, string]): void {
  host.sh(`ip link add ${link} type veth peer name eth0 netns ${neighbour.pid}`);
  host.sh(`ip addr add ${addresses[0]} dev ${link}; ip link set ${link} up`);
  neighbour.sh(`ip addr add ${addresses[1]} dev eth0; ip link set eth0 up`);
}

export function wire({ protocol, messages }: NetlinkStep): WireStep {
  const encoded = messages.map(({ bytes, pidAt }) => ({ hex: Buffer.from(bytes).toString('hex'), pidAt }));
  return { protocol, messages: encoded };
}

let started = 0;

/** A namespace that is connected to a network as a container is: by the steps of its plan, sent as the shim does. */
export async function newContainer(host: Agent, network: Network, bridge: Bridge, address: string): Promise<Agent> {
  await using undo = new AsyncDisposableStack();
  const agent = undo.use(await newNamespace());
  agent.sh('ip link set lo down');
  const count = (started++).toString(16);
  const nonce = `${count.padStart(11, '0')}${count.padStart(9, '0')}`;
  const { attach, init } = vethSteps(network, bridge, { containerId: `id-${address}`, address, nonce });
  await host.call('sendStep', wire(attach), agent.pid);
  await agent.call('sendStep', wire(init), 0);
  undo.move();
  return agent;
}

export const network = {
  name: 'test',
  bridge: 'onggi3',
  subnet: '10.99.0.0/16',
  gateway: '10.99.0.1',
  owner: '/test/store',
};

export function mapping(
  hostIp: string,
  hostPort: number,
  containerPort: number,
  protocol: 'tcp' | 'udp' = 'tcp',
): PortMapping {
  return { hostIp, hostPort, containerPort, protocol };
}

export type Town = { readonly host: Agent; readonly outside: Agent; readonly a: Agent; readonly b: Agent };

/** A host with an uplink to `outside` and two containers on a bridge. */
export async function inTown(body: (town: Town) => Promise<void>): Promise<void> {
  await using host = await newNamespace();
  await using outside = await newNamespace();
  cable(host, 'up0', outside, ['192.0.2.1/24', '192.0.2.2/24']);
  host.sh('ip route add default via 192.0.2.2');
  const bridge = await host.call('ensureBridge', network);
  await using a = await newContainer(host, network, bridge, '10.99.0.2');
  await using b = await newContainer(host, network, bridge, '10.99.0.3');
  await a.call('serve', 'tcp', '0.0.0.0', 80, 'a');
  await a.call('serve', 'udp', '0.0.0.0', 80, 'a');
  await b.call('serve', 'tcp', '0.0.0.0', 80, 'b');
  await outside.call('serve', 'tcp', '0.0.0.0', 80, 'outside');
  await outside.call('serve', 'udp', '0.0.0.0', 80, 'outside');
  await host.call('serve', 'tcp', '0.0.0.0', 81, 'host');
  await body({ host, outside, a, b });
}
