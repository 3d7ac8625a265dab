/** The table of figures. Pure. */

export type Unit = 'ms' | 'kB' | 'ns' | 'runs';

export type Row = {
  readonly title: string;
  readonly unit: Unit;
  /** By column; absent where there is nothing to compare with. */
  readonly values: ReadonlyMap<string, number>;
  readonly targets: readonly Target[];
  /** It could not be measured, which was told when it happened. */
  readonly failed?: boolean;
};

/** `onggi` may be at most `factor` times the value of a column, or at most `value`. */
export type Target = { readonly column: string; readonly factor: number } | { readonly value: number };

/** Where a column has no value at all: why ("not installed"). */
export type Column = { readonly name: string; readonly missing?: string };

export const ours = 'onggi';

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = low] =
    sorted.length % 2 === 1 ? [sorted[middle]] : [sorted[middle - 1], sorted[middle]];
  return (low + high) / 2;
}

export type Verdict = 'met' | 'MISSED' | 'not measured';

export function judgeTarget(row: Row, target: Target): Verdict {
  const own = row.values.get(ours);
  const limit = 'value' in target ? target.value : scale(row.values.get(target.column), target.factor);
  if (own === undefined || limit === undefined) return 'not measured';
  return own <= limit ? 'met' : 'MISSED';
}

function scale(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

/** Markdown, columns padded so that it reads well in a terminal too. */
export function formatTable(rows: readonly Row[], columns: readonly Column[]): string {
  const head = ['', ...columns.map(({ name }) => name), 'target'];
  const body = rows.map((row) => [row.title, ...columns.map((column) => cell(row, column)), targets(row)]);
  const widths = head.map((title, index) => Math.max(title.length, ...body.map((line) => (line[index] ?? '').length)));
  const format = (line: readonly string[]) =>
    `| ${line.map((text, index) => text.padEnd(widths[index] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [format(head), rule, ...body.map(format)].join('\n');
}

/** A peer's value with how many times ours it is. */
function cell(row: Row, { name, missing }: Column): string {
  const value = row.values.get(name);
  if (value === undefined) return missing ?? '';
  const own = row.values.get(ours);
  const shown = `${significant(value)} ${row.unit}`;
  return name === ours || own === undefined ? shown : `${shown} (${significant(value / own)}x)`;
}

function targets(row: Row): string {
  if (row.failed === true) return 'FAILED';
  return row.targets.map((target) => `${describe(row, target)}: ${judgeTarget(row, target)}`).join('; ');
}

function describe(row: Row, target: Target): string {
  if ('value' in target) return `at most ${significant(target.value)} ${row.unit}`;
  const { column, factor } = target;
  return factor < 1 ? `at most 1/${Math.round(1 / factor)} of ${column}` : `at most ${factor}x ${column}`;
}

/** Two figures are enough, whatever the size. */
function significant(value: number): string {
  return value >= 10 ? String(Math.round(value)) : value.toFixed(value >= 1 ? 1 : 2);
}
