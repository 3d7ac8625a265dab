/**
 * config.json as text. Law: `decodeSpec(encodeSpec(spec))` has the values of `spec`, 64-bit numbers included (as bigint
 * where a number would be rounded: an unlimited rlimit is 18446744073709551615).
 */
import type { Spec } from './runtime-spec.ts';

/** JSON.rawJSON and the source text of a reviver (ECMAScript 2026), which the library's types do not know yet. */
type RawJson = { readonly rawJSON: (text: string) => unknown };
type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

export function encodeSpec(spec: Spec): string {
  return encodeJson(spec);
}

/** JSON in which a bigint is a number. */
export function encodeJson(content: unknown): string {
  const { rawJSON } = JSON as unknown as RawJson;
  return JSON.stringify(content, (_key, value: unknown) =>
    typeof value !== 'bigint' ? value : value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : rawJSON(`${value}`),
  );
}

/** @throws SyntaxError when `text` is not JSON; whether it is a config is for the caller to know */
export function decodeSpec(text: string): Spec {
  return decodeJson(text) as Spec;
}

/** JSON with whole numbers beyond 2^53 as bigint. @throws SyntaxError */
export function decodeJson(text: string): unknown {
  // A reviver is called for every value and makes parsing ten times as dear; only 16 digits in a row can need it.
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const revive: Reviver = (_key, value, context) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context?.source ?? '0')
      : value;
  return JSON.parse(text, revive);
}
