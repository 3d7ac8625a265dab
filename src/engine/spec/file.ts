/** config.json of a container, as it was started. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { decodeSpec, encodeSpec } from '../../oci/runtime-json.ts';
import type { Spec } from '../../oci/runtime-spec.ts';

export function writeSpec(path: string, spec: Spec): void {
  try {
    writeFileSync(path, encodeSpec(spec), { mode: 0o600 });
  } catch (error) {
    throw fromSystemError(error, `write "${path}"`);
  }
}

/** The container as it was started, which its options and image may no longer be. @throws OnggiError `corrupt` */
export function readSpec(path: string): Spec {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, `read "${path}"`);
  }
  try {
    return decodeSpec(text);
  } catch (error) {
    throw new OnggiError('corrupt', `config of the container "${path}": not JSON`, { cause: error });
  }
}
