/** One value of one controller file, before it is known where the controller is mounted. */
import { OnggiError, unsupported } from '../../errors.ts';

export type Setting = {
  /** Controller that has the file: "memory"; "cgroup" for files that every v2 cgroup has. */
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** In words, for `explain` and errors. */
  readonly what: string;
  /** Gone without, with a warning, when the kernel does not have the file or refuses the value. */
  readonly optional: boolean;
  /** Written instead where the kernel does not have `file`. */
  readonly fallback?: { readonly file: string; readonly value: string };
};

export function setting(controller: string, file: string, value: string | number, what: string): Setting {
  return { controller, file, value: String(value), what, optional: false };
}

/** A byte count in words: 64 MiB, 1.5 GiB, 1000 bytes. */
export function bytesInWords(bytes: number): string {
  if (bytes < 0) return 'unlimited';
  for (const [unit, size] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= size && Number.isInteger((bytes / size) * 10)) return `${bytes / size} ${unit}`;
  }
  return `${bytes} bytes`;
}

/** Refuses the fields that are given, each by its name in config.json. */
export function refuseFields(fields: readonly (readonly [name: string, value: unknown])[], where: string): void {
  for (const [name, value] of fields) {
    const given = value !== undefined && value !== null && value !== false && value !== 0;
    if (given && !(Array.isArray(value) && value.length === 0)) throw unsupported(`resources.${name} on ${where}`);
  }
}

/** Told what could not be had and is gone without. */
export type Warn = (message: string) => void;

/** @throws OnggiError `invalid` unless it is undefined or an integer from `least` to `greatest` */
export function checkRange(name: string, value: number | undefined, least: number, greatest: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least && value <= greatest)) return;
  throw new OnggiError('invalid', `resources.${name}: "${value}" is not a whole number from ${least} to ${greatest}`);
}

/** @throws OnggiError `invalid` for numbers that name no device */
export function deviceName(name: string, { major, minor }: { readonly major: number; readonly minor: number }): string {
  checkRange(`${name}.major`, major, 0, 0xfff);
  checkRange(`${name}.minor`, minor, 0, 0xfffff);
  return `${major}:${minor}`;
}
