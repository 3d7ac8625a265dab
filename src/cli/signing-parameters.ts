/** The file of --sign-by-sigstore: containers-sigstore-signing-params.yaml(5), the part about private keys. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fromSystemError, OnggiError, unsupported } from '../errors.ts';
import { parseYaml } from '../oci/yaml.ts';

/** Signatures by these ask servers on the Internet who somebody is. */
const refused = ['fulcio', 'rekorURL'];

export type SigningParameters = { readonly key: string; readonly passphraseFile: string | undefined };

/** Paths in it are meant from where the command runs. @throws OnggiError `not-found`, `invalid`, `unsupported` */
export function readSigningParameters(path: string, { directory }: { readonly directory: string }): SigningParameters {
  const what = `signing parameters "${path}"`;
  let text: string;
  try {
    text = readFileSync(resolve(directory, path), 'utf8');
  } catch (error) {
    throw fromSystemError(error, `read ${what}`);
  }
  return parseSigningParameters(text, what);
}

/** @throws OnggiError `invalid`, `unsupported` */
export function parseSigningParameters(text: string, what: string): SigningParameters {
  const found = parseYaml(text, what);
  if (typeof found !== 'object' || found === null || Array.isArray(found)) {
    throw new OnggiError('invalid', `${what}: not a list of "key: value"`);
  }
  const fields = new Map(Object.entries(found));
  for (const [name, value] of fields) {
    if (value === null) fields.delete(name);
    else if (refused.includes(name)) {
      throw unsupported(`${what}: "${name}"`, 'Sign with a private key: "privateKeyFile".');
    } else if (name !== 'privateKeyFile' && name !== 'privateKeyPassphraseFile') {
      throw new OnggiError('invalid', `${what}: "${name.slice(0, 100)}" is not known`);
    } else if (typeof value !== 'string') throw new OnggiError('invalid', `${what}: "${name}" is not a path`);
  }
  const key = fields.get('privateKeyFile');
  const passphraseFile = fields.get('privateKeyPassphraseFile');
  if (typeof key !== 'string' || key === '') throw new OnggiError('invalid', `${what}: "privateKeyFile" is missing`);
  return { key, passphraseFile: typeof passphraseFile === 'string' ? passphraseFile : undefined };
}
