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
    .map((port) => {
      const [number = '', protocol = 'tcp'] = port.split('/');
      return { number, protocol };
    })
    .sort((a, b) => Number(a.number) - Number(b.number) || (a.protocol < b.protocol ? -1 : 1));
  const [first] = sorted;
  const url = (port: { readonly number: string; readonly protocol: string }): string =>
    `${port.protocol}://${address}:${port.number}`;
  return [
    ...(first === undefined ? [] : [`${prefix}_PORT=${url(first)}`]),
    ...sorted.flatMap((port) => {
      const start = `${prefix}_PORT_${port.number}_${port.protocol.toUpperCase()}`;
      const { number, protocol } = port;
      return [
        `${start}=${url(port)}`,
        `${start}_ADDR=${address}`,
        `${start}_PORT=${number}`,
        `${start}_PROTO=${protocol}`,
      ];
    }),
    `${prefix}_NAME=/${name}/${alias}`,
    ...env
      .filter((entry) => entry.includes('=') && !ownVariables.includes(entry.slice(0, entry.indexOf('='))))
      .map((entry) => `${prefix}_ENV_${entry}`),
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
