/** Where things of a container lie. Pure. */

export type ContainerPaths = {
  /** `<root>/<id>`, mode 0700. */
  readonly directory: string;
  readonly state: string;
  /** The same once more, as the target of a symbolic link, which is there whole or not at all. */
  readonly copy: string;
  /** The config.json that the container was made from, as it was then. */
  readonly config: string;
  /** What `exec` needs of it (exec-record.ts). */
  readonly exec: string;
  /** Held by whoever changes the container. */
  readonly lock: string;
  /** A fifo by which the init hears the word to start; with `.reply` for its answer. */
  readonly start: string;
  /** Its notify.sock takes what the container says to NOTIFY_SOCKET. */
  readonly notify: string;
};

export function containerPaths(root: string, id: string): ContainerPaths {
  const directory = `${root}/${id}`;
  return {
    directory,
    state: `${directory}/state.json`,
    copy: `${directory}/record`,
    config: `${directory}/config.json`,
    exec: `${directory}/exec.json`,
    lock: `${directory}/lock`,
    start: `${directory}/start`,
    notify: `${directory}/notify`,
  };
}

/**
 * The root of state directories when nobody says: for users without privileges below their own runtime directory, as
 * for root of their user namespace, which is what Podman calls a runtime as.
 */
export function defaultRoot(privileged: boolean, env: Readonly<Record<string, string | undefined>>): string {
  const own = env['XDG_RUNTIME_DIR'];
  return !privileged && own !== undefined && own.startsWith('/') ? `${own}/onggi-runtime` : '/run/onggi-runtime';
}
