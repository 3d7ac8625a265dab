/** Tables as Docker prints them: columns of at least 10, three blanks between them, the last cell unpadded. Pure. */

import { visibleLine } from './visible.ts';

const least = 10;
const gap = 3;

/** @param given cells; a row may have fewer than others, and then doesn't widen the columns that it lacks */
export function alignColumns(given: readonly (readonly string[])[]): string {
  // Most tables are ASCII as a whole: one look at all of it spares several at each cell.
  const plain = printable.test(given.map((row) => row.join('')).join(''));
  const rows = plain ? given : given.map((row) => row.map(visibleLine));
  const widthOf = plain ? lengthOf : pointsOf;
  const widths: number[] = [];
  for (const row of rows) {
    for (let i = 0; i < row.length - 1; i += 1) {
      widths[i] = Math.max(widths[i] ?? least, widthOf(row[i] ?? '') + gap);
    }
  }
  let text = '';
  for (const row of rows) {
    const last = row.length - 1;
    for (let i = 0; i < last; i += 1) {
      const cell = row[i] ?? '';
      text += cell.padEnd((widths[i] ?? 0) + cell.length - widthOf(cell));
    }
    text += `${row[last] ?? ''}\n`;
  }
  return text;
}

const printable = /^[ -~]*$/;

function lengthOf(cell: string): number {
  return cell.length;
}

/** In code points: what is not ASCII is rarely wide. */
function pointsOf(cell: string): number {
  return [...cell].length;
}
