/** The session keyring of a container; by itself, so that `exec` loads nothing of what only a start needs. Pure. */

/** That `exec` joins too: the id is random, and no other container gets to see it. */
export function sessionKeyring(containerId: string): string {
  return `_ses.${containerId}`;
}
