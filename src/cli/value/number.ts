/** Numbers of flags. Pure. */
import { OnggiError } from '../../errors.ts';

/** A parser of whole numbers between two limits, both included. */
export function integer(least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    if (!/^[+-]?\d+$/.test(text)) throw new OnggiError('invalid', `'${text}' is not a whole number`);
    const value = Number(text);
    if (value < least || value > most) {
      const limits = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `between ${least} and ${most}`;
      throw new OnggiError('invalid', `${text} is out of range, it must be ${limits}`);
    }
    return value;
  };
}

/** `--memory-swappiness`: a percentage, or -1 for that of the machine. @throws OnggiError `invalid` */
export function swappiness(text: string): number {
  const value = integer()(text);
  if (value >= -1 && value <= 100) return value;
  throw new OnggiError('invalid', `invalid value: ${text}. Valid memory swappiness range is 0-100`);
}

/** The words of Go's strconv.ParseBool, which Docker's switches take. */
export function parseBoolean(text: string): boolean {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw new OnggiError('invalid', `'${text}' is neither true nor false`);
}

/** 10^-9 CPUs of a decimal number of CPUs ("1.5"). */
export function parseCpus(text: string): number {
  const match = /^(\d*)(?:\.(\d*))?$/.exec(text);
  const whole = match?.[1] ?? '';
  const fraction = match?.[2] ?? '';
  if (match === null || whole + fraction === '') {
    throw new OnggiError('invalid', `'${text}' is not a decimal number of CPUs`);
  }
  const digits = fraction.replace(/0+$/, '');
  if (digits.length > 9) throw new OnggiError('invalid', 'value is too precise, it may have nine decimals');
  const nano = Number(whole) * 1e9 + Number(digits.padEnd(9, '0'));
  if (!Number.isSafeInteger(nano)) throw new OnggiError('invalid', `${text} CPUs are more than any machine has`);
  return nano;
}

/** A parser of one word out of a closed list; `caseless` takes upper case too. */
export function oneOf<const W extends string>(
  what: string,
  words: readonly W[],
  letters: 'exact' | 'caseless' = 'exact',
): (text: string) => W {
  return (text) => {
    const written = letters === 'exact' ? text : text.toLowerCase();
    const found = words.find((word) => word === written);
    if (found === undefined) {
      const known = words.map((word) => `"${word}"`).join(', ');
      throw new OnggiError('invalid', `invalid ${what}: '${text}': must be one of ${known}`);
    }
    return found;
  };
}
