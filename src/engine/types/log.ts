/** Where the output of a container is logged. */

export type LogDriver =
  | 'json-file'
  | 'local'
  | 'k8s-file'
  | 'journald'
  | 'syslog'
  | 'fluentd'
  | 'gelf'
  | 'none'
  | 'passthrough';

export type LogConfig = {
  readonly driver: LogDriver;
  /** As of `--log-opt`: max-size, tag, syslog-address, ... */
  readonly options: Readonly<Record<string, string>>;
};
