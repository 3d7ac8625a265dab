/** What the direction of imports is made of (import-table.ts). */

export type FolderRule = {
  /** Folders of src/ whose public files may be imported. Its own files always may. */
  readonly imports: readonly string[];
  /** npm packages that may be imported. */
  readonly packages?: readonly string[];
  /** Files other folders may import; absent: all. Patterns may hold one `*`. */
  readonly public?: readonly string[];
  /**
   * Files that act: they may import `actingModules`, use `actingGlobals` and import other acting files. All the rest is pure: same arguments,
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
  /** Globals that do, where no import is needed. */
  readonly actingGlobals: readonly string[];
  /** Modules that don't: the only others allowed. */
  readonly pureModules: readonly string[];
};
