/**
 * The direction of imports as data. `make check` fails on a source that breaks it; there
 * are no exemptions. A new folder needs a row, a new file that touches the world a place in `acting`.
 */

import { faceRules } from './import-faces.ts';
import { roomRules } from './import-rooms.ts';
import type { ImportTable } from './import-table-types.ts';

export type { FolderRule, ImportTable } from './import-table-types.ts';

export const importTable: ImportTable = {
  shared: ['errors.ts', 'random.ts', 'version.ts'],
  folders: { ...faceRules, ...roomRules },
  actingModules: [
    'node:child_process',
    'node:dgram',
    'node:dns',
    'node:dns/promises',
    'node:fs',
    'node:fs/promises',
    'node:http',
    'node:https',
    'node:module',
    'node:net',
    'node:os',
    'node:process',
    'node:readline',
    'node:sqlite',
    'node:stream',
    'node:stream/promises',
    'node:timers/promises',
    'node:tls',
    'node:tty',
    'node:worker_threads',
  ],
  // Not process.env: the OCI configuration has a `process` with an `env` of its own.
  actingGlobals: [
    'fetch',
    'process.argv',
    'process.dlopen',
    'process.execPath',
    'process.exit',
    'process.getuid',
    'process.kill',
    'process.on',
    'process.pid',
    'process.stderr',
    'process.stdin',
    'process.stdout',
  ],
  pureModules: ['node:buffer', 'node:crypto', 'node:events', 'node:path', 'node:url', 'node:util', 'node:zlib'],
};
