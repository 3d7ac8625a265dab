/** The groups of rows, one after another: what is going on is told, and one that fails does not take the others along. */
import type { Row } from './table.ts';

type Rows = Row | readonly Row[];

/** Groups by name, in the order in which they are measured. */
export type Groups = Readonly<Record<string, () => Rows | Promise<Rows>>>;

/**
 * Rows of what may fail on its own.
 * @returns a row that says so under `title` when it does
 */
export async function attempt(title: string, measure: () => Rows | Promise<Rows>): Promise<readonly Row[]> {
  try {
    const rows = await measure();
    return 'title' in rows ? [rows] : rows;
  } catch (error) {
    console.error(`${title} failed: ${error instanceof Error ? error.message : error}`);
    return [{ title, unit: 'ms', values: new Map(), targets: [], failed: true }];
  }
}

/**
 * @param wanted names of groups; none means all
 * @throws Error about a name that no group has
 */
export async function measureGroups(groups: Groups, wanted: readonly string[]): Promise<Row[]> {
  const unknown = wanted.find((name) => !Object.hasOwn(groups, name));
  if (unknown !== undefined) {
    throw new Error(`there is no group "${unknown}"; there are: ${Object.keys(groups).join(', ')}`);
  }
  const chosen = Object.entries(groups).filter(([name]) => wanted.length === 0 || wanted.includes(name));
  const rows: Row[] = [];
  const begin = performance.now();
  for (const [index, [name, measure]] of chosen.entries()) {
    const start = performance.now();
    rows.push(...(await attempt(name, measure)));
    console.error(`group ${index + 1} of ${chosen.length}, ${name}: ${since(start)} s, ${since(begin)} s in total`);
  }
  return rows;
}

function since(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(1);
}
