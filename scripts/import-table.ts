/**
 * The direction of imports as data (DESIGN 5, STYLE A2 and A3). `make check` fails on a source that breaks it; there
 * are no exemptions. A new folder needs a row, a new file that touches the world a place in `acting`.
 */

export type FolderRule = {
  /** Folders of src/ whose public files may be imported. Its own files always may. */
  readonly imports: readonly string[];
  /** npm packages that may be imported. */
  readonly packages?: readonly string[];
  /** Files other folders may import; absent: all. Patterns may hold one `*`. */
  readonly public?: readonly string[];
  /**
   * Files that act: they may import `actingModules` and other acting files. All the rest is pure: same arguments,
   * same result. Patterns may hold one `*`. An entry that matches no file, or only files that act in no way, fails.
   */
  readonly acting: readonly string[];
};

export type ImportTable = {
  readonly folders: Readonly<Record<string, FolderRule>>;
  /** Files directly in src/, importable by all; they import nothing but one another. */
  readonly shared: readonly string[];
  /** Modules that reach outside the program. */
  readonly actingModules: readonly string[];
  /** Modules that don't: the only others allowed. */
  readonly pureModules: readonly string[];
};

export const importTable: ImportTable = {
  shared: ['errors.ts', 'version.ts'],
  folders: {
    cli: { imports: ['engine', 'oci'], acting: ['*'] },
    engine: {
      imports: ['image', 'registry', 'network', 'runtime', 'store', 'kernel', 'oci'],
      packages: ['valibot'],
      acting: ['*'],
    },
    image: { imports: ['store', 'kernel', 'oci'], packages: ['valibot'], acting: ['*'] },
    registry: { imports: ['store', 'kernel', 'oci'], packages: ['valibot'], acting: ['*'] },
    network: { imports: ['store', 'kernel', 'oci'], acting: ['*'] },
    runtime: { imports: ['store', 'kernel', 'oci'], packages: ['valibot'], acting: ['*'] },
    store: { imports: ['kernel', 'oci'], acting: ['*'] },
    kernel: { imports: ['oci'], acting: ['*'] },
    oci: { imports: [], packages: ['valibot'], acting: [] },
  },
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
  pureModules: ['node:buffer', 'node:crypto', 'node:events', 'node:path', 'node:url', 'node:util', 'node:zlib'],
};
