/** config.json of a container, as it was started. Integers beyond 2^53 keep every digit on the way out and in. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';
import type { Spec } from '../oci/runtime-spec.ts';

/** ECMAScript's JSON.parse source text access, which TypeScript does not declare yet. */
type RawJson = { rawJSON(text: string): unknown };
type Reviver = (this: unknown, key: string, value: unknown, context?: { readonly source?: string }) => unknown;

export function writeSpec(path: string, spec: Spec): void {
  const raw = JSON as unknown as RawJson;
  const text = JSON.stringify(spec, (_key, value: unknown) =>
    typeof value === 'bigint' ? raw.rawJSON(value.toString()) : value,
  );
  try {
    writeFileSync(path, text, { mode: 0o600 });
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
  const exact: Reviver = (_key, value, context) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^\d+$/.test(context?.source ?? '')
      ? BigInt(context?.source ?? '')
      : value;
  try {
    return JSON.parse(text, exact) as Spec;
  } catch (error) {
    throw new OnggiError('corrupt', `config of the container "${path}": not JSON`, { cause: error });
  }
}
