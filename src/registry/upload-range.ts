/** How far an upload is, as registries say it ("Pushing a blob in chunks"). Pure. */
import { OnggiError } from '../errors.ts';
import { mayFollow } from './host.ts';

/**
 * Bytes that the registry has, out of the Range header of an upload ("0-1023"); null when it does not say.
 * "0-0" stands for nothing as well as for one byte; it is read as nothing, and sending the first byte again is an error
 * that begins the upload anew.
 */
export function bytesReceived(range: string | null): number | null {
  const end = /^(?:bytes=)?0-(\d{1,15})$/.exec(range ?? '')?.[1];
  if (end === undefined) return null;
  return end === '0' ? 0 : Number(end) + 1;
}

/**
 * Where an upload goes on. It may be another host, which gets no credentials.
 * @param from where the answer came from
 * @param insecure whether a host is configured as insecure
 * @throws OnggiError `corrupt` when there is none, `denied` when it lowers the guard
 */
export function uploadLocation(header: string | null, from: URL, insecure: (url: URL) => boolean, what: string): URL {
  if (header === null || !URL.canParse(header, from)) {
    throw new OnggiError('corrupt', `${what}: "${from.host}" does not say where to send it (header "Location")`);
  }
  const target = new URL(header, from);
  // Behind a proxy that speaks TLS for it, a registry takes itself for one without.
  const forgetful = target.protocol === 'http:' && from.protocol === 'https:' && target.host === from.host;
  if (forgetful) target.protocol = 'https:';
  if (mayFollow(from, target, insecure(target))) return target;
  throw new OnggiError('denied', `${what}: "${from.host}" wants it at "${target.origin}", which is not https`);
}
