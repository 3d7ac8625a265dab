/** What every operation of the engine works with. */
import { openStore, type Store } from '../store/store.ts';
import type { Warning } from './types.ts';

export type Context = {
  /** The store, opened at first use: `--explain` and `version` need none. */
  readonly store: Store;
  /** Passes each message on once. */
  warn(message: string): void;
  close(): void;
};

export type ContextOptions = {
  /** Absolute path; default /var/lib/onggi. */
  readonly root?: string;
  readonly onWarning?: (warning: Warning) => void;
};

export function makeContext(options: ContextOptions): Context {
  let store: Store | undefined;
  const warned = new Set<string>();
  return {
    get store() {
      store ??= openStore(options.root);
      return store;
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
}
