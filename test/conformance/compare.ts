/** Compares the views of the runtimes, field by field. Pure. */
import type { Bundle, Difference, Fields, RuntimeName } from './bundle.ts';

export type Comparison = {
  /** A line for each field in which they disagree and nobody said so. */
  readonly problems: readonly string[];
  /** The known differences that were seen. */
  readonly seen: ReadonlySet<Difference>;
};

/** The differences that hold for every bundle come beside the bundle's own. */
export function compare(
  bundle: Bundle,
  general: readonly Difference[],
  views: ReadonlyMap<RuntimeName, Fields>,
): Comparison {
  const known = [...general, ...(bundle.differences ?? [])];
  const names = new Set([...views.values()].flatMap((view) => Object.keys(view)));
  for (const field of Object.keys(bundle.expect)) names.add(field);
  const problems: string[] = [];
  const seen = new Set<Difference>();
  for (const field of [...names].sort()) {
    const excused = known.filter((difference) => matches(difference.field, field));
    const held = [...views].filter(([runtime]) => !excused.some((difference) => difference.runtime === runtime));
    const wanted = field in bundle.expect ? bundle.expect[field] : held[0]?.[1][field];
    if (held.some(([, view]) => view[field] !== wanted)) problems.push(describe(field, bundle, views));
    for (const difference of excused) {
      const view = views.get(difference.runtime);
      if (view !== undefined && view[field] !== wanted) seen.add(difference);
    }
  }
  return { problems, seen };
}

function describe(field: string, bundle: Bundle, views: ReadonlyMap<RuntimeName, Fields>): string {
  const values = [...views].map(([runtime, view]) => `${runtime} ${show(view[field])}`);
  const wanted = field in bundle.expect ? [`specification ${show(bundle.expect[field])}`] : [];
  return `${field}: ${[...wanted, ...values].join(', ')}`;
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** `*` is any characters, all others are themselves. */
export function matches(pattern: string, field: string): boolean {
  const source = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${source.join('.*')}$`).test(field);
}
