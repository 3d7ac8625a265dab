/** What `--link` tells a container of another one: a line of /etc/hosts and variables (moby, libnetwork legacy links). Pure. */

export type Linked = {
  readonly id: string;
  readonly name: string;
  readonly alias: string;
  readonly address: string;
  /** "80/tcp" */
  readonly ports: readonly string[];
  /** "NAME=value" */
  readonly env: readonly string[];
};

/** Those that say where it is at home, not what it offers. */
const ownVariables: readonly string[] = ['HOME', 'PATH'];

/** @param name of the container that gets them */
export function linkVariables(name: string, { alias, address, ports, env }: Linked): string[] {
  const prefix = alias.toUpperCase().replaceAll('-', '_');
  const sorted = ports
    .map((port): Port => {
      const [number = '', protocol = 'tcp'] = port.split('/');
      return { number: Number(number), protocol };
    })
    .sort((a, b) => a.number - b.number || rank(a) - rank(b) || (a.protocol < b.protocol ? -1 : 1));
  const [first] = sorted;
  const ranges = runsOf(sorted).flatMap((run) => rangeVariables(prefix, address, run));
  const single = sorted.flatMap((port) => portVariables(prefix, address, port));
  return [
    ...(first === undefined ? [] : [`${prefix}_PORT=${urlOf(address, first)}`]),
    // What both say, the address and the protocol of the first of a range, stands where it was said first.
    ...new Set([...ranges, ...single]),
    `${prefix}_NAME=/${name}/${alias}`,
    ...env
      .filter((entry) => entry.includes('=') && !ownVariables.includes(entry.slice(0, entry.indexOf('='))))
      .map((entry) => `${prefix}_ENV_${entry}`),
  ];
}

type Port = { readonly number: number; readonly protocol: string };

/** TCP comes first, as in nat.Sort of Docker's. */
function rank({ protocol }: Port): number {
  return protocol === 'tcp' ? 0 : 1;
}

function urlOf(address: string, { protocol, number }: Port): string {
  return `${protocol}://${address}:${number}`;
}

/** Three and more that follow one another, which are told by the first and the last of them besides. */
function runsOf(sorted: readonly Port[]): Port[][] {
  const runs: Port[][] = [];
  for (let at = 0; at < sorted.length; ) {
    let end = at + 1;
    // As moby counts, one up for each, whatever the protocol.
    while (end < sorted.length && (sorted[end]?.number ?? 0) <= (sorted[at]?.number ?? 0) + end - at) end++;
    if (end - at > 2) runs.push(sorted.slice(at, end));
    at = end;
  }
  return runs;
}

function portVariables(prefix: string, address: string, port: Port): string[] {
  const { number, protocol } = port;
  const start = `${prefix}_PORT_${number}_${protocol.toUpperCase()}`;
  return [
    `${start}=${urlOf(address, port)}`,
    `${start}_ADDR=${address}`,
    `${start}_PORT=${number}`,
    `${start}_PROTO=${protocol}`,
  ];
}

function rangeVariables(prefix: string, address: string, run: readonly Port[]): string[] {
  const [first, last] = [run[0], run.at(-1)];
  if (first === undefined || last === undefined) return [];
  const at = `${prefix}_PORT_${first.number}_`;
  const start = `${at}${first.protocol.toUpperCase()}`;
  const [where, how] = [`${start}_ADDR=${address}`, `${start}_PROTO=${first.protocol}`];
  const end = `${at}${last.protocol.toUpperCase()}`;
  return [
    ...[`${start}_START=${urlOf(address, first)}`, where, how, `${start}_PORT_START=${first.number}`],
    ...[`${end}_END=${urlOf(address, last)}`, `${end}_PORT_END=${last.number}`],
  ];
}

/** Names of a linked container, as they stand in /etc/hosts. */
export function linkHost({ id, name, alias, address }: Linked): { readonly name: string; readonly address: string } {
  return { name: [...new Set([alias, id.slice(0, 12), name])].join(' '), address };
}

/** A hosts file in which the lines of a linked container have the address that it has now. */
export function relinkedHosts(hosts: string, { id, alias, address }: Pick<Linked, 'id' | 'alias' | 'address'>): string {
  const lines = hosts.split('\n').map((line) => {
    const [, ...names] = line.split(/\s+/);
    return names[0] === alias && names.includes(id.slice(0, 12)) ? `${address}\t${names.join(' ')}` : line;
  });
  return lines.join('\n');
}
