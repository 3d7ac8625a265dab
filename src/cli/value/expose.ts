/** `--expose PORT[-PORT][/PROTOCOL]`. Pure. */
import { OnggiError } from '../../errors.ts';

/** "80/tcp", one for each port of a range. @throws OnggiError `invalid` with Docker's words */
export function parseExpose(text: string): string[] {
  if (text.includes(':')) throw new OnggiError('invalid', `invalid port format for --expose: ${text}`);
  const slash = text.indexOf('/');
  const ports = slash < 0 ? text : text.slice(0, slash);
  const protocol = slash < 0 ? 'tcp' : text.slice(slash + 1).toLowerCase();
  const wrong = (why: string) =>
    new OnggiError('invalid', `invalid range format for --expose: ${ports}, error: ${why}`);
  if (ports === '') throw wrong('empty string specified for ports');
  const dash = ports.indexOf('-');
  const words = dash < 0 ? [ports, ports] : [ports.slice(0, dash), ports.slice(dash + 1)];
  const [first = 0, last = 0] = words.map((word) => {
    const why = /^\d+$/.test(word) ? (Number(word) > 65535 ? 'value out of range' : undefined) : 'invalid syntax';
    if (why !== undefined) throw wrong(`strconv.ParseUint: parsing ${JSON.stringify(word)}: ${why}`);
    return Number(word);
  });
  if (last < first) throw wrong(`invalid range specified for port: ${ports}`);
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw new OnggiError('invalid', `invalid proto: ${protocol}`);
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${protocol}`);
}
