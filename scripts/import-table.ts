/**
 * The direction of imports as data. `make check` fails on a source that breaks it; there
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

export const importTable: ImportTable = {
  shared: ['errors.ts', 'version.ts'],
  folders: {
    cli: {
      imports: ['engine', 'oci'],
      acting: [
        'attach.ts',
        'cid-file.ts',
        'commands/attach.ts',
        'commands/completion.ts',
        'commands/create.ts',
        'commands/exec.ts',
        'commands/run.ts',
        'commands/start.ts',
        'commands/version.ts',
        'completion.ts',
        'container-facts.ts',
        'input.ts',
        'main.ts',
        'output.ts',
        'process-context.ts',
        'program.ts',
        'relay.ts',
        'root-help.ts',
        'signals.ts',
        'table.ts',
      ],
    },
    engine: {
      imports: ['image', 'registry', 'network', 'runtime', 'store', 'kernel', 'oci'],
      packages: ['valibot'],
      public: ['index.ts', 'process-end.ts', 'terminal.ts', 'types.ts'],
      acting: [
        'container-create.ts',
        'container-end.ts',
        'container-network.ts',
        'container-plan.ts',
        'container-query.ts',
        'container-session.ts',
        'container-start.ts',
        'container.ts',
        'containers.ts',
        'context.ts',
        'ending.ts',
        'exec.ts',
        'explain.ts',
        'finish.ts',
        'host-devices.ts',
        'host-facts.ts',
        'host-image.ts',
        'idle-network.ts',
        'image-query.ts',
        'image-view.ts',
        'images.ts',
        'index.ts',
        'info.ts',
        'inspect.ts',
        'log-file.ts',
        'logs.ts',
        'process-end.ts',
        'pull-layers.ts',
        'pull.ts',
        'reconcile-command.ts',
        'reconcile.ts',
        'spec-file.ts',
        'terminal.ts',
      ],
    },
    image: {
      imports: ['store', 'kernel', 'oci'],
      packages: ['valibot'],
      public: ['collect.ts', 'config.ts', 'find.ts', 'import.ts', 'layer.ts', 'remove.ts', 'snapshot.ts'],
      acting: [
        'collect.ts',
        'config.ts',
        'find.ts',
        'import.ts',
        'layer-merge.ts',
        'layer.ts',
        'remove.ts',
        'snapshot.ts',
        'unpack-directory.ts',
        'unpack-entry.ts',
        'unpack.ts',
      ],
    },
    registry: {
      imports: ['store', 'kernel', 'oci'],
      packages: ['valibot'],
      public: ['blob.ts', 'credentials.ts', 'docker-config.ts', 'repository.ts', 'resolve.ts'],
      acting: [
        'authorization.ts',
        'blob.ts',
        'connection.ts',
        'docker-config.ts',
        'manifest-fetch.ts',
        'repository.ts',
        'request.ts',
        'resolve.ts',
        'token.ts',
      ],
    },
    network: {
      imports: ['store', 'kernel', 'oci'],
      public: ['address.ts', 'bridge.ts', 'network.ts', 'port.ts', 'publish.ts', 'resolver.ts', 'veth.ts'],
      acting: ['bridge.ts', 'forwarding.ts', 'publish.ts'],
    },
    runtime: {
      imports: ['store', 'kernel', 'oci'],
      public: [
        'capability.ts',
        'cgroup/compile.ts',
        'cgroup/control.ts',
        'cgroup/layout.ts',
        'defaults.ts',
        'plan/compile.ts',
        'plan/encode.ts',
        'plan/explain.ts',
        'plan/steps.ts',
        'rlimit.ts',
        'seccomp/architecture.ts',
        'seccomp/profile.ts',
        'signal.ts',
      ],
      acting: ['cgroup/control.ts', 'cgroup/layout.ts'],
    },
    store: {
      imports: ['kernel', 'oci'],
      public: [
        'blob.ts',
        'container-row.ts',
        'database.ts',
        'image-row.ts',
        'layer-row.ts',
        'layout.ts',
        'lock.ts',
        'network-row.ts',
        'publish.ts',
        'store.ts',
        'temporary.ts',
      ],
      acting: [
        'blob.ts',
        'container-row.ts',
        'database.ts',
        'image-row.ts',
        'layer-row.ts',
        'lock.ts',
        'network-row.ts',
        'publish.ts',
        'schema.ts',
        'store.ts',
        'temporary.ts',
      ],
    },
    kernel: {
      imports: ['oci'],
      public: [
        'addon.ts',
        'descriptor.ts',
        'directory-entry.ts',
        'directory.ts',
        'lock.ts',
        'netlink-socket.ts',
        'netlink-step.ts',
        'open-file.ts',
        'port-probe.ts',
        'process-end.ts',
        'process-identity.ts',
        'shim-client.ts',
        'stdin-channel.ts',
        'shim.ts',
        'terminal.ts',
      ],
      acting: [
        'addon.ts',
        'descriptor.ts',
        'directory-entry.ts',
        'directory.ts',
        'lock.ts',
        'memory-file.ts',
        'netlink-socket.ts',
        'open-file.ts',
        'port-probe.ts',
        'process-end.ts',
        'process-identity.ts',
        'shim-client.ts',
        'stdin-channel.ts',
        'shim.ts',
        'terminal.ts',
      ],
    },
    oci: { imports: [], acting: [] },
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
  // Not process.env: the OCI configuration has a `process` with an `env` of its own.
  actingGlobals: [
    'fetch',
    'process.argv',
    'process.dlopen',
    'process.execPath',
    'process.exit',
    'process.getuid',
    'process.kill',
    'process.on',
    'process.pid',
    'process.stderr',
    'process.stdin',
    'process.stdout',
  ],
  pureModules: ['node:buffer', 'node:crypto', 'node:events', 'node:path', 'node:url', 'node:util', 'node:zlib'],
};
