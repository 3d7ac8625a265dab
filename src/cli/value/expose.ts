/** `--expose PORT[-PORT][/PROTOCOL]`. Pure. */
import { OnggiError } from '../../errors.ts';

/** "80/tcp", one for each port of a range. @throws OnggiError `invalid` with Docker's words */
export function parseExpose(text: string): string[] {
  if (text.includes(':')) throw new OnggiError('invalid', `invalid port format for --expose: ${text}`);
  const slash = text.indexOf('/');
  const ports = slash < 0 ? text : text.slice(0, slash);
  const protocol = slash < 0 ? 'tcp' : text.slice(slash + 1).toLowerCase();
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(ports);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || last > 65535 || last < first) {
    throw new OnggiError('invalid', `invalid range format for --expose: ${ports}, error: invalid port`);
  }
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw new OnggiError('invalid', `invalid proto: ${protocol}`);
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${protocol}`);
}
