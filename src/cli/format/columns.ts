/** Tables as Docker prints them: columns of at least 10, three blanks between them, the last cell unpadded. Pure. */

import { visibleLine } from './visible.ts';

const least = 10;
const gap = 3;

/** @param given cells; a row may have fewer than others, and then doesn't widen the columns that it lacks */
export function alignColumns(given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map(visibleLine));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.slice(0, -1).entries()) widths[i] = Math.max(widths[i] ?? least, widthOf(cell) + gap);
  }
  return rows
    .map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : padTo(cell, widths[i] ?? 0))).join(''))
    .map((line) => `${line}\n`)
    .join('');
}

/** In code points: names of containers and images are ASCII, what else shows up is rarely wide. */
function padTo(cell: string, width: number): string {
  return cell.padEnd(width + cell.length - widthOf(cell));
}

const ascii = /^[\0-\x7f]*$/;

/** Most cells are ASCII, whose length is known. */
function widthOf(cell: string): number {
  return ascii.test(cell) ? cell.length : [...cell].length;
}
