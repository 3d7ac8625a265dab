/** Addresses of log servers, and patterns of names. Pure. */
import { OnggiError, unsupported } from '../../errors.ts';

const transports = { udp: 'udp', tcp: 'tcp', unix: 'stream', unixgram: 'datagram', 'tcp+tls': 'tls' } as const;

export type LogAddress = {
  readonly transport: (typeof transports)[keyof typeof transports];
  readonly address: string;
  readonly port: number;
};

/**
 * `udp://host:514`, `tcp://[::1]:601`, `unix:///dev/log`; `host:port` alone is TCP, as Fluentd's users write it.
 *
 * @throws OnggiError `invalid`, and `unsupported` for TLS where there is none
 */
export function parseAddress(
  option: string,
  text: string,
  schemes: readonly (keyof typeof transports)[],
  usualPort: number,
): LogAddress {
  const scheme = /^([a-z+]+):\/\//.exec(text)?.[1] ?? (schemes.includes('tcp') && !text.includes('://') ? 'tcp' : '');
  if (/tls/.test(scheme) && !schemes.includes('tcp+tls')) throw unsupported(`${option}: TLS ("${text}")`);
  const known = schemes.find((name) => name === scheme);
  if (known === undefined) throw wrong(option, text, `begin with ${schemes.map((name) => `${name}://`).join(', ')}`);
  const rest = text.includes('://') ? text.slice(scheme.length + 3) : text;
  const transport = transports[known];
  if (known === 'unix' || known === 'unixgram') {
    if (!rest.startsWith('/') || Buffer.byteLength(rest) > 107)
      throw wrong(option, text, 'name an absolute path of at most 107 bytes');
    return { transport, address: rest, port: 0 };
  }
  const [, bracketed, plain = '', port] = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:/[\]]+))(?::(\d{1,5}))?$/.exec(rest) ?? [];
  const host = bracketed ?? plain;
  const number = port === undefined ? usualPort : Number(port);
  if (host === '' || number < 1 || number > 65535) throw wrong(option, text, 'be HOST:PORT');
  return { transport, address: host, port: number };
}

function wrong(option: string, text: string, what: string): OnggiError {
  return new OnggiError('invalid', `log option ${option}: "${text}" must ${what}`);
}

export function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}
