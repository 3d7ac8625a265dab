/** Events of a container as lines of JSON, as runc's `events` has them. Pure. */
import type { CgroupStats } from '../runtime/cgroup/stats.ts';

export type ContainerEvent =
  | { readonly type: 'stats'; readonly id: string; readonly data: CgroupStats }
  | { readonly type: 'oom'; readonly id: string };

/** JSON.rawJSON (ECMAScript 2026), which the library's types do not know yet. */
type RawJson = { readonly rawJSON: (text: string) => unknown };

/** Counters of 64 bits keep all their digits. */
export function encodeEvent(event: ContainerEvent): string {
  const { rawJSON } = JSON as unknown as RawJson;
  const text = JSON.stringify(event, (_key, value: unknown) =>
    typeof value === 'bigint' ? rawJSON(`${value}`) : value,
  );
  return `${text}\n`;
}
