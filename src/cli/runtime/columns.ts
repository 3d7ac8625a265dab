/** A table as Go's tabwriter makes it for runc: columns of at least twelve letters, three blanks between. Pure. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(12, ...rows.map((row) => (row[column] ?? '').length + 3)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('');
  return rows.map((row) => `${line(row)}\n`).join('');
}
