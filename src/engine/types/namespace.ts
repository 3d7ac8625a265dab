/** The namespace of another container, by its reference; of a container that is there, by its full ID. */
export type JoinedContainer = `container:${string}`;

export type NetworkMode = 'none' | 'host' | 'bridge' | JoinedContainer;

/** `--link`: "alias" is a name of that container in /etc/hosts, and begins the names of variables. */
export type ContainerLink = { readonly container: string; readonly alias: string };
