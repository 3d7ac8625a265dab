/** The table of `top`: columns of at least 20, three blanks between them, the last cell unpadded, as in Docker. Pure. */
import { visibleLine } from './visible.ts';

const least = 20;
const gap = 3;

export function topTable(given: readonly (readonly string[])[]): string {
  // What processes are called is theirs to choose, and only a terminal obeys what is in it.
  const rows = given.map((row) => row.map(visibleLine));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.slice(0, -1).entries()) widths[i] = Math.max(widths[i] ?? least, cell.length + gap);
  }
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('');
  return rows.map((row) => `${line(row)}\n`).join('');
}
