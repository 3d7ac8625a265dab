/**
 * "TRANSPORT:DETAILS" as Skopeo's users write it (containers-transports(5)). Pure.
 *
 * Law: `parseAddress(formatAddress(a), '/')` equals `a`.
 */
import { resolve } from 'node:path';
import { OnggiError, unsupported } from '../errors.ts';
import { canonicalName, parseReference, type Reference } from '../oci/reference.ts';

export type Address =
  | { readonly transport: 'docker'; readonly reference: Reference }
  | {
      readonly transport: 'oci' | 'oci-archive';
      /** Absolute. */
      readonly path: string;
      /** Value of org.opencontainers.image.ref.name; null: the only image. */
      readonly reference: string | null;
    }
  | {
      readonly transport: 'docker-archive';
      readonly path: string;
      readonly reference: Reference | null;
      /** Place in manifest.json, counted from 0 ("@2"). */
      readonly index: number | null;
    }
  | { readonly transport: 'dir'; readonly path: string }
  | {
      readonly transport: 'onggi';
      /** A name, or for reading also an id or the beginning of one. */
      readonly name: string;
    };

export type Transport = Address['transport'];

/** Known from elsewhere: what stands for them here. */
const strangers: Readonly<Record<string, string>> = {
  'containers-storage': 'The store of onggi is "onggi:NAME".',
  'docker-daemon': 'Use "docker save" and "docker-archive:FILE".',
  ostree: 'Use "oci:DIRECTORY".',
  sif: 'Convert it to "oci-archive:FILE" first.',
  tarball: 'Use "onggi import".',
};

export const transports = ['docker', 'oci', 'oci-archive', 'docker-archive', 'dir', 'onggi'] as const;

/**
 * @param directory absolute; relative paths are resolved against it
 * @throws OnggiError `invalid`; `unsupported` for transports of others
 */
export function parseAddress(text: string, directory: string): Address {
  const colon = text.indexOf(':');
  const transport = text.slice(0, colon);
  const details = text.slice(colon + 1);
  if (colon < 1 || !isTransport(transport)) throw unknown(text, colon < 1 ? '' : transport);
  switch (transport) {
    case 'docker':
      if (!details.startsWith('//')) throw invalid(text, 'docker wants two slashes: "docker://NAME"');
      return { transport, reference: parseReference(details.slice(2)) };
    case 'onggi':
      if (details === '') throw invalid(text, 'no name');
      return { transport, name: details };
    case 'dir':
      return { transport, path: pathOf(text, details, directory) };
    case 'docker-archive': {
      const [path, rest] = split(details);
      return { transport, path: pathOf(text, path, directory), ...archived(text, rest) };
    }
    default: {
      const [path, reference] = split(details);
      if (reference !== null && !imageName.test(reference)) throw invalid(text, `image name "${reference}"`);
      return { transport, path: pathOf(text, path, directory), reference };
    }
  }
}

export function formatAddress(address: Address): string {
  switch (address.transport) {
    case 'docker':
      return `docker://${canonicalName(address.reference)}`;
    case 'onggi':
      return `onggi:${address.name}`;
    case 'dir':
      return `dir:${address.path}`;
    case 'docker-archive': {
      const { path, reference, index } = address;
      const rest = reference !== null ? `:${canonicalName(reference)}` : index !== null ? `:@${index}` : '';
      return `docker-archive:${path}${rest}`;
    }
    default:
      return `${address.transport}:${address.path}${address.reference === null ? '' : `:${address.reference}`}`;
  }
}

/** Names in an OCI layout are free; these signs do for tags, full names and digests. */
const imageName = /^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,511}$/;

function isTransport(text: string): text is Transport {
  return (transports as readonly string[]).includes(text);
}

/** A colon ends the path, as in containers/image: a path with one can't be named. */
function split(details: string): readonly [path: string, rest: string | null] {
  const colon = details.indexOf(':');
  return colon === -1 ? [details, null] : [details.slice(0, colon), details.slice(colon + 1) || null];
}

function archived(
  text: string,
  rest: string | null,
): { readonly reference: Reference | null; readonly index: number | null } {
  if (rest === null) return { reference: null, index: null };
  if (!rest.startsWith('@')) return { reference: parseReference(rest), index: null };
  if (!/^@\d{1,4}$/.test(rest)) throw invalid(text, `"${rest}" is not "@" and a number`);
  return { reference: null, index: Number(rest.slice(1)) };
}

function pathOf(text: string, path: string, directory: string): string {
  if (path === '' || path.includes('\0')) throw invalid(text, 'no path');
  return resolve(directory, path);
}

function unknown(text: string, transport: string): OnggiError {
  const hint = strangers[transport];
  if (hint !== undefined) return unsupported(`transport "${transport}:"`, hint);
  const found = transport === '' ? 'no transport' : `unknown transport "${transport.slice(0, 40)}"`;
  return new OnggiError('invalid', `image "${text.slice(0, 300)}": ${found}`, {
    hint: `Write one of ${transports.map((name) => (name === 'docker' ? 'docker://' : `${name}:`)).join(', ')} before it.`,
  });
}

function invalid(text: string, found: string): OnggiError {
  return new OnggiError('invalid', `image "${text.slice(0, 300)}": ${found}`);
}
