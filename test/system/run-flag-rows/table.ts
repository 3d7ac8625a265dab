/** The table of the flags of `run`: see row.ts for what a row is and how one is added. */
import { deviceRows } from './device.ts';
import { driverRows } from './driver.ts';
import { healthRows } from './health.ts';
import { lifeRows } from './life.ts';
import { limitRows } from './limit.ts';
import { namespaceRows } from './namespace.ts';
import { processRows } from './process.ts';
import type { Row } from './row.ts';

export const rows: readonly Row[] = [
  ...healthRows,
  ...lifeRows,
  ...limitRows,
  ...processRows,
  ...deviceRows,
  ...driverRows,
  ...namespaceRows,
];

/** Words that a container of rows has besides theirs; without a network unless said. */
export const containers: Readonly<Record<string, readonly string[]>> = {
  bridge: ['--network', 'bridge'],
  machine: [],
};

/** What `docker run --help` of 28.2 lists on Linux. */
export const dockerFlags: readonly string[] = `
  add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile
  cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems detach detach-keys
  device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops
  disable-content-trust dns dns-option dns-search domainname entrypoint env env-file expose gpus group-add health-cmd
  health-interval health-retries health-start-interval health-start-period health-timeout hostname init interactive
  ip ip6 ipc isolation kernel-memory label label-file link link-local-ip log-driver log-opt mac-address memory
  memory-reservation memory-swap memory-swappiness mount name network network-alias no-healthcheck oom-kill-disable
  oom-score-adj pid pids-limit platform privileged publish publish-all pull quiet read-only restart rm runtime
  security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs tty ulimit use-api-socket user
  userns uts volume volume-driver volumes-from workdir`
  .trim()
  .split(/\s+/);
