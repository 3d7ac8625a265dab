/** Tables as Docker prints them: columns of at least 10, three blanks between them, the last cell unpadded. Pure. */

import { visibleLine } from './visible.ts';

export const least = 10;
export const gap = 3;

/** @param given cells; a row may have fewer than others, and then doesn't widen the columns that it lacks */
export function alignColumns(given: readonly (readonly string[])[]): string {
  return alignedAscii(given) ?? alignedText(given.map((row) => row.map(visibleLine)));
}

/**
 * Most tables are ASCII as a whole: one look at each line spares several at each of its cells, which of hundreds of lines
 * is most of the time that a table takes. Undefined for any other, of which tabs are.
 */
export function alignedAscii(rows: readonly (readonly string[])[]): string | undefined {
  const widths: number[] = [];
  for (const row of rows) {
    while (widths.length < row.length - 1) widths.push(least);
    for (let i = row.length - 2; i >= 0; i -= 1) {
      const width = (row[i] as string).length + gap;
      if (width > (widths[i] as number)) widths[i] = width;
    }
  }
  let text = '';
  for (const row of rows) {
    const last = row.length - 1;
    let line = '';
    for (let i = 0; i < last; i += 1) line += (row[i] as string).padEnd(widths[i] as number);
    line += row[last] ?? '';
    if (!printable.test(line)) return undefined;
    text += `${line}\n`;
  }
  return text;
}

const printable = /^[ -~]*$/;

function alignedText(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (let i = 0; i < row.length - 1; i += 1) {
      widths[i] = Math.max(widths[i] ?? least, pointsOf(row[i] ?? '') + gap);
    }
  }
  let text = '';
  for (const row of rows) {
    const last = row.length - 1;
    for (let i = 0; i < last; i += 1) {
      const cell = row[i] ?? '';
      text += cell.padEnd((widths[i] ?? 0) + cell.length - pointsOf(cell));
    }
    text += `${row[last] ?? ''}\n`;
  }
  return text;
}

/** In code points: what is not ASCII is rarely wide. */
function pointsOf(cell: string): number {
  return [...cell].length;
}
