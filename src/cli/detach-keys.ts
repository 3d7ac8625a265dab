/** The key sequence that leaves a container running (`--detach-keys`). A pure state machine over bytes. */
import { OnggiError } from '../errors.ts';

/** At least one byte. */
export type DetachKeys = readonly number[];

/** ctrl-p, ctrl-q. */
export const defaultDetachKeys: DetachKeys = [16, 17];

/**
 * Keys separated by commas, each one character, "ctrl-" with one of a-z @ [ \ ] ^ _ (ASCII's control characters) or DEL.
 * @throws OnggiError `invalid`
 */
export function parseDetachKeys(text: string): DetachKeys {
  return text.split(',').map((key) => {
    if (key === 'DEL') return 0x7f;
    if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
    const control = /^ctrl-([a-zA-Z@[\\\]^_])$/.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
    throw new OnggiError('invalid', `unknown key '${key}' in '${text}': write one character, ctrl-X or DEL`);
  });
}

export type Fed = {
  /** Bytes to pass on: keys of a sequence are held back until it can't be completed any more. */
  readonly pass: Uint8Array;
  readonly detached: boolean;
};

/** @returns a function that is fed every chunk of input in order; nothing passes after `detached` */
export function detachMatcher(keys: DetachKeys): (chunk: Uint8Array) => Fed {
  let held = 0;
  return (chunk) => {
    const pass: number[] = [];
    for (const byte of chunk) {
      while (held > 0 && keys[held] !== byte) {
        const shorter = longestPrefix(keys, held, byte);
        pass.push(...keys.slice(0, held - shorter));
        held = shorter;
        if (held === 0) break;
      }
      if (keys[held] !== byte) {
        pass.push(byte);
        continue;
      }
      held += 1;
      if (held === keys.length) return { pass: Uint8Array.from(pass), detached: true };
    }
    return { pass: Uint8Array.from(pass), detached: false };
  };
}

/** How many of the `held` keys may still start a sequence that `byte` continues (ctrl-p, ctrl-p, ctrl-q detaches). */
function longestPrefix(keys: DetachKeys, held: number, byte: number): number {
  for (let length = held - 1; length > 0; length -= 1) {
    const tail = keys.slice(held - length, held);
    if (keys[length] === byte && tail.every((key, i) => key === keys[i])) return length;
  }
  return 0;
}
