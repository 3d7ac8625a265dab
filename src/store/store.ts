/** A store that is open: its paths and its one database connection. */
import { chmodSync, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';
import { spreadChildren } from '../kernel/directory.ts';
import { closeDatabase, type Database, openDatabase } from './database.ts';
import { directoriesOf, type Layout, layoutOf } from './layout.ts';
import { migrate } from './schema.ts';

export type Store = Disposable & {
  readonly layout: Layout;
  readonly database: Database;
};

/**
 * Opens the store below `root` (default /var/lib/onggi), making it when it is missing. Under 2 ms when it is there.
 * The caller disposes of it; a killed process leaves nothing to repair.
 * @throws OnggiError `denied` when others can write to the root, `not-found` (read-only and missing), `corrupt`
 */
export function openStore(root?: string, options: { readonly readOnly?: boolean } = {}): Store {
  const layout = layoutOf(root);
  const readOnly = options.readOnly ?? false;
  // The run directory is on a tmpfs, so it can be missing while the root is there.
  if (!readOnly && !(existsSync(layout.database) && existsSync(layout.sockets))) makeDirectories(layout);
  checkOwner(layout.root);
  const database = openDatabase(layout.database, { readOnly });
  try {
    migrate(database);
  } catch (error) {
    closeDatabase(database);
    throw error;
  }
  return { layout, database, [Symbol.dispose]: () => closeDatabase(database) };
}

function makeDirectories(layout: Layout): void {
  for (const directory of directoriesOf(layout)) {
    try {
      if (existsSync(directory)) continue;
      mkdirSync(directory, { recursive: directory === layout.root, mode: 0o700 });
      if (directory === layout.containers || directory === layout.temporary) spreadChildren(directory);
      // mkdir(2) takes the umask off the mode; it never adds to it.
      if (directory === layout.root) chmodSync(directory, 0o700);
    } catch (error) {
      if (existsSync(directory)) continue;
      throw fromSystemError(error, `make directory "${directory}"`);
    }
  }
}

/** Whoever can write to the root can plant a database or a layer (THREATS, class O). */
function checkOwner(root: string): void {
  const found = lstatSync(root, { throwIfNoEntry: false });
  if (found === undefined) throw new OnggiError('not-found', `store root "${root}": no such directory`);
  if (!found.isDirectory()) throw new OnggiError('invalid', `store root "${root}": not a directory`);
  const foreign = found.uid !== process.geteuid?.();
  if (foreign || (found.mode & 0o022) !== 0) {
    const mode = (found.mode & 0o7777).toString(8);
    throw new OnggiError('denied', `store root "${root}": owner ${found.uid}, mode ${mode}; others could change it`, {
      hint: 'Use a directory that only you can write to.',
    });
  }
}
