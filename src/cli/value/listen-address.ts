/** Where a server listens: `HOST:PORT`, `:PORT` for all addresses, `HOST` with the usual port. Pure. */
import { OnggiError } from '../../errors.ts';

export type ListenAddress = { readonly host: string; readonly port: number };

const usualPort = 5000;

/** @throws OnggiError `invalid` */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, portText] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  const port = portText === undefined ? usualPort : Number(portText);
  const named = bracketed ?? plain;
  if (named === undefined || text === '' || port > 65_535) {
    throw new OnggiError('invalid', `"${text}" is no address: HOST:PORT, [IPV6]:PORT or :PORT`);
  }
  return { host: named === '' ? '0.0.0.0' : named, port };
}
