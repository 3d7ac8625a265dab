/** Sizes as Docker prints them, in units of 1000: "7.05MB". Pure. */

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** @param digits significant ones: 3 in `images`, 4 in a progress bar */
export function humanSize(bytes: number, digits: number): string {
  return scaled(bytes, digits, 1000, units);
}

/** In units of 1024, as `info` shows the memory: "23.5GiB". */
export function humanBinarySize(bytes: number, digits: number): string {
  return scaled(bytes, digits, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']);
}

function scaled(bytes: number, digits: number, base: number, names: readonly string[]): string {
  let value = bytes;
  let unit = 0;
  // Compared after rounding: 999.96 kB is 1 MB, not 1000 kB.
  while (Number(value.toPrecision(digits)) >= base && unit < names.length - 1) {
    value /= base;
    unit += 1;
  }
  return `${Number(value.toPrecision(digits))}${names[unit]}`;
}
