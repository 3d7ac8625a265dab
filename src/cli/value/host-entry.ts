/** `--add-host NAME:ADDRESS`, `--dns ADDRESS`. Pure. */
import { OnggiError } from '../../errors.ts';

export type HostEntry = { readonly name: string; readonly address: string };

/** @throws OnggiError `invalid` */
export function parseHostEntry(text: string): HostEntry {
  const separator = /[=:]/.exec(text)?.index ?? -1;
  const name = text.slice(0, Math.max(separator, 0));
  const address = text.slice(separator + 1).replace(/^\[(.*)\]$/, '$1');
  if (separator < 1 || !/^[^\s#]+$/.test(name)) throw new OnggiError('invalid', `bad format for add-host: "${text}"`);
  if (address !== 'host-gateway' && !isAddress(address)) {
    throw new OnggiError('invalid', `invalid IP address in add-host: "${address}"`);
  }
  return { name, address };
}

/** @throws OnggiError `invalid` */
export function parseServer(text: string): string {
  if (!isAddress(text)) throw new OnggiError('invalid', `${text} is not an ip address`);
  return text;
}

/** A search domain or an option of resolv.conf(5). @throws OnggiError `invalid` */
export function parseResolverWord(text: string): string {
  if (!/^[A-Za-z0-9._:-]+$/.test(text)) throw new OnggiError('invalid', `'${text}' is not a valid domain or option`);
  return text;
}

function isAddress(text: string): boolean {
  const parts = text.split('.');
  if (parts.length === 4) return parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return text.includes(':') && URL.canParse(`http://[${text}]/`);
}
