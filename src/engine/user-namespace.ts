/** What an ordinary user needs to work on files of its containers: to be root among their ids. Acts. */
import { OnggiError } from '../errors.ts';
import { executeMapped, unprivileged } from '../kernel/user-namespace.ts';
import { rootOrDefault } from './store-root.ts';

/**
 * Executes a command in the place of this process, as root of a new user namespace with the ids that containers of this
 * user have. What it calls works on the same store. For root of the machine there is nothing to enter: then this returns.
 *
 * @param root of the store, absolute; absent: the default of this user
 * @throws OnggiError `not-found` when the shim is not installed
 */
export function enterUserNamespace(
  command: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  root?: string,
): void {
  const user = unprivileged();
  if (user !== undefined) executeMapped(user, command, { ...environment, ONGGI_ROOT: rootOrDefault(root) });
}

/** Whether this process is that of an ordinary user outside of such a namespace. */
export function isOrdinaryUser(): boolean {
  return unprivileged() !== undefined;
}

/**
 * Layers have files of many ids, so they are unpacked as root or among the user's ids.
 * @param operation "load an image". @throws OnggiError `denied`
 */
export function checkIds(operation: string): void {
  if (!isOrdinaryUser()) return;
  throw new OnggiError('denied', `${operation}: an ordinary user can't give files their owners`, {
    hint: 'Run this program by "onggi unshare", or use the command of onggi, which does that by itself.',
  });
}
