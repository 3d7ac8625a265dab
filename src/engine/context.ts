/** What every operation of the engine works with. */
import { join } from 'node:path';
import { unsupported } from '../errors.ts';
import { isCompiled } from '../kernel/addon.ts';
import { defaultRoot } from '../store/layout.ts';
import { openStore, type Store } from '../store/store.ts';
import { rootOrDefault } from './store-root.ts';
import type { Warning } from './types.ts';

/** Where the file is that stands for each in the library. */
const helperDirectories = { 'copy-helper': 'copy', 'mapped-helper': 'mapped', 'log-relay': 'log' } as const;

export type Context = {
  /** As asked for; undefined is the default one. */
  readonly root: string | undefined;
  /** Asked for; undefined is the one of the store. */
  readonly storageDriver: string | undefined;
  /** The store, opened at first use: `--explain` and `version` need none. */
  readonly store: Store;
  /** The command that a shim runs when its container has ended; empty for none. */
  reconcileCommand(id: string): readonly string[];
  /**
   * The command that does a part of an operation in a process of its own, in place of this program.
   * @throws OnggiError `unsupported` in a program that can't be run once more
   */
  helperCommand(name: keyof typeof helperDirectories): readonly string[];
  /** Passes each message on once. */
  warn(message: string): void;
  close(): void;
};

export type ContextOptions = {
  /** Absolute path; default /var/lib/onggi, for an ordinary user ~/.local/share/onggi. */
  readonly root?: string;
  /** Storage driver that a new store begins with: overlay2, btrfs or vfs. Absent: the first of them that works. */
  readonly storageDriver?: string;
  readonly onWarning?: (warning: Warning) => void;
  /**
   * Program and first arguments that stand for `onggi`, to which a shim adds `reconcile ID`. Default: this library in
   * the runtime that runs it; in an executable that was compiled with the library inside, none: then a container that
   * has ended is brought to its record by the next operation that sees it.
   */
  readonly command?: readonly string[];
};

export function makeContext(options: ContextOptions): Context {
  let store: Store | undefined;
  const warned = new Set<string>();
  const context: Context = {
    root: options.root,
    storageDriver: options.storageDriver,
    get store() {
      store ??= openStore(rootOrDefault(options.root));
      return store;
    },
    reconcileCommand(id) {
      const { command } = options;
      // The shim does not hand on the variables that the default root of an ordinary user depends on.
      const rooted = options.root === undefined && context.store.layout.root !== defaultRoot;
      const root = rooted ? ['--root', context.store.layout.root] : [];
      if (command !== undefined) return [...command, ...root, 'reconcile', id];
      if (isCompiled()) return [];
      const file = import.meta.filename.endsWith('.ts') ? 'reconcile-command.ts' : 'reconcile-command.js';
      return [process.execPath, join(import.meta.dirname, 'container', file), context.store.layout.root, id];
    },
    helperCommand(name) {
      const { command } = options;
      if (command !== undefined) return [...command, name];
      if (isCompiled()) throw unsupported('work in a user namespace by an executable with the library inside');
      const file = import.meta.filename.endsWith('.ts') ? 'helper-command.ts' : 'helper-command.js';
      return [process.execPath, join(import.meta.dirname, helperDirectories[name], file)];
    },
    warn(message) {
      if (warned.has(message)) return;
      warned.add(message);
      options.onWarning?.({ message });
    },
    close() {
      store?.[Symbol.dispose]();
      store = undefined;
    },
  };
  return context;
}
