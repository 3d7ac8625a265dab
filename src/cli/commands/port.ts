import { hostText } from '../../engine/listing/ports.ts';
import type { PortMapping } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { defineCommand, emptyAsNone, latestFlag } from '../definition.ts';

export const command = defineCommand({
  usage: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
  positionals: { min: 1, max: 2 },
  completes: 'running',
  latest: 'first',
  flags: { latest: latestFlag },
  examples: [{ line: 'port web 80', says: 'Where port 80 of the container can be reached' }],
  async run({ args: [ref = '', asked], context }) {
    const wanted = emptyAsNone(asked);
    const engine = await context.engine();
    const { ports, status } = await engine.containers.get(ref);
    const published = status === 'running' || status === 'paused' ? ports : [];
    const lines =
      wanted === undefined
        ? published.map((port) => `${port.containerPort}/${port.protocol} -> ${addressOf(port)}`).sort()
        : published.filter(isOn(wanted)).map(addressOf);
    if (wanted !== undefined && lines.length === 0) {
      throw new OnggiError('not-found', `no public port '${wanted}' published for ${ref}`);
    }
    context.stdout.print(lines.map((line) => `${line}\n`).join(''));
    return 0;
  },
});

function isOn(wanted: string): (port: PortMapping) => boolean {
  const match = /^(\d{1,5})(?:\/(tcp|udp))?$/i.exec(wanted);
  if (match === null) {
    throw new OnggiError('invalid', `'${wanted}' is no port`, { hint: 'Write it as "80", "80/tcp" or "53/udp".' });
  }
  const [, number, protocol = 'tcp'] = match;
  return (port) => port.containerPort === Number(number) && port.protocol === protocol.toLowerCase();
}

function addressOf({ hostIp, hostPort }: PortMapping): string {
  return `${hostText(hostIp)}:${hostPort}`;
}
