/** What the fields of config.json are made of: paths, ids, numbers, how many of each. */
import type { IdMap } from './runtime-spec.ts';
import { type Check, integer, list, object, text, wide } from './schema.ts';

/** Beyond what programs write, and small enough that a hostile list costs milliseconds. */
export const counts = { hooks: 1000, mounts: 10_000, paths: 10_000, devices: 10_000, syscalls: 20_000 } as const;

/** PATH_MAX with its NUL. */
export const path: Check<string> = text(4095);

/** A name: of a type, a flag, a device, a profile. */
export const word: Check<string> = text(4095);

export const unsigned32 = integer(0, 0xffff_ffff);
export const unsigned64: Check<number | bigint> = wide(0n, 0xffff_ffff_ffff_ffffn);

/** Beyond 2^32-2 an id would wrap around to another one or mean "unchanged" (CVE-2024-40635; setresuid(2)). */
export const id = integer(0, 0xffff_fffe);

/** user_namespaces(7) takes at most 340 lines. */
export const idMaps: Check<readonly IdMap[]> = list(
  object<IdMap>(
    { containerID: integer(0, 0xffff_fffe), hostID: integer(0, 0xffff_fffe), size: integer(1, 0xffff_ffff) },
    {},
  ),
  340,
);
