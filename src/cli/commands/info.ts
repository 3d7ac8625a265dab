import type { EngineInfo } from '../../engine/index.ts';
import { asIs, defineCommand, single } from '../definition.ts';
import { humanBinarySize } from '../format/human-size.ts';
import { printRecord } from '../format/record.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: { format: single('string', asIs, "Print by a Go template, or 'json'", { short: 'f' }) },
  async run({ flags: { format }, context }) {
    const engine = await context.engine();
    const info = await engine.info();
    if (format !== undefined && format !== '') {
      context.stdout.print(printRecord(recordOf(info), format));
      return 0;
    }
    context.stdout.print(linesOf(info).join('\n').concat('\n'));
    for (const warning of info.warnings) context.stderr.print(`WARNING: ${warning}\n`);
    return 0;
  },
});

function linesOf(info: EngineInfo): string[] {
  const { created, running, exited } = info.containers;
  return [
    `Containers: ${created + running + exited}`,
    ` Running: ${running}`,
    ` Created: ${created}`,
    ` Exited: ${exited}`,
    `Images: ${info.images}`,
    `Version: ${info.version}`,
    `Root Directory: ${info.root}`,
    `Storage Driver: ${info.storageDriver}`,
    ...info.storageDriverStatus.map(([name, value]) => ` ${name}: ${value}`),
    `Logging Driver: ${info.logDriver}`,
    `Cgroup Driver: ${info.cgroupDriver}`,
    `Cgroup Version: ${info.cgroupVersion}`,
    ...(info.rootless ? ['Security Options:', ' rootless'] : []),
    `Kernel Version: ${info.kernel}`,
    `Operating System: ${info.operatingSystem}`,
    `OSType: ${info.osType}`,
    `Architecture: ${info.architecture}`,
    `CPUs: ${info.cpus}`,
    `Total Memory: ${humanBinarySize(info.memory, 4)}`,
    `Name: ${info.hostname}`,
  ];
}

/** The names that templates for Docker's `info` use. */
function recordOf(info: EngineInfo): Record<string, unknown> {
  const { created, running, exited } = info.containers;
  return {
    Containers: created + running + exited,
    ContainersRunning: running,
    ContainersPaused: 0,
    ContainersStopped: created + exited,
    Images: info.images,
    Driver: info.storageDriver,
    DriverStatus: info.storageDriverStatus,
    LoggingDriver: info.logDriver,
    CgroupDriver: info.cgroupDriver,
    CgroupVersion: info.cgroupVersion,
    KernelVersion: info.kernel,
    OperatingSystem: info.operatingSystem,
    OSType: info.osType,
    Architecture: info.architecture,
    NCPU: info.cpus,
    MemTotal: info.memory,
    DockerRootDir: info.root,
    Name: info.hostname,
    ServerVersion: info.version,
    SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns', ...(info.rootless ? ['name=rootless'] : [])],
    Warnings: info.warnings,
  };
}
