/** Where the store of a user lies when nobody says. Acts. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { inUserNamespace, unprivileged } from '../kernel/user-namespace.ts';
import { defaultRoot } from '../store/layout.ts';

/**
 * /var/lib/onggi for root; for others `onggi` in $XDG_DATA_HOME, by default ~/.local/share (XDG base directory
 * specification, by which a relative path is none). Not in $XDG_RUNTIME_DIR: containers outlive a login.
 */
export function rootOrDefault(root: string | undefined): string {
  if (root !== undefined) return root;
  if (unprivileged() === undefined) {
    // What `onggi unshare` has executed is root among the ids of its user, and works on that user's store.
    const inherited = process.env['ONGGI_ROOT'] ?? '';
    return isAbsolute(inherited) && inUserNamespace() ? inherited : defaultRoot;
  }
  const data = process.env['XDG_DATA_HOME'] ?? '';
  return join(isAbsolute(data) ? data : join(homedir(), '.local/share'), 'onggi');
}
