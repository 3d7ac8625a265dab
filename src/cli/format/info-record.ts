/** `info` as Docker prints it, and under the names of Docker's templates. Pure. */
import type { EngineInfo } from '../../engine/index.ts';
import { humanBinarySize } from './human-size.ts';

/** Docker knows of two; where both are mounted, the controllers are those of v1. */
function cgroupVersion({ cgroupVersion: version }: EngineInfo): string {
  return version === 'hybrid' ? '1' : version === 'none' ? '' : version;
}

function securityOptions({ rootless, selinux }: EngineInfo): string[] {
  return [
    'name=seccomp,profile=builtin',
    'name=cgroupns',
    ...(selinux ? ['name=selinux'] : []),
    ...(rootless ? ['name=rootless'] : []),
  ];
}

export function infoLines(info: EngineInfo): string[] {
  const { created, running, paused, exited, restarting } = info.containers;
  return [
    'Server:',
    ` Containers: ${created + running + paused + exited + restarting}`,
    `  Running: ${running + restarting}`,
    `  Paused: ${paused}`,
    `  Stopped: ${created + exited}`,
    ` Images: ${info.images}`,
    ` Server Version: ${info.version}`,
    ` Storage Driver: ${info.storageDriver}`,
    ...info.storageDriverStatus.map(([name, value]) => `  ${name}: ${value}`),
    ` Logging Driver: ${info.logDriver}`,
    ` Cgroup Driver: ${info.cgroupDriver}`,
    ` Cgroup Version: ${cgroupVersion(info)}${info.cgroupVersion === 'hybrid' ? ' (hybrid)' : ''}`,
    ' Plugins:',
    '  Volume: local',
    '  Network: bridge host null',
    `  Log: ${info.logDrivers.join(' ')}`,
    ' Runtimes: onggi',
    ' Default Runtime: onggi',
    ' Security Options:',
    ...securityOptions(info).flatMap(optionLines),
    ` Kernel Version: ${info.kernel}`,
    ` Operating System: ${info.operatingSystem}`,
    ` OSType: ${info.osType}`,
    ` Architecture: ${info.architecture}`,
    ` CPUs: ${info.cpus}`,
    ` Total Memory: ${humanBinarySize(info.memory, 4)}`,
    ` Name: ${info.hostname}`,
    ` ID: ${info.id}`,
    ` Docker Root Dir: ${info.root}`,
  ];
}

/** "name=seccomp,profile=builtin" is two lines. */
function optionLines(option: string): string[] {
  const [name = '', ...more] = option.split(',').map((part) => part.split('='));
  const rest = more.map(([key = '', value = '']) => `   ${key.slice(0, 1).toUpperCase()}${key.slice(1)}: ${value}`);
  return [`  ${name[1] ?? ''}`, ...rest];
}

/** Whatever clients may look for; swarm, plugins and debugging are there to say that there is none. */
export function infoRecord(info: EngineInfo): Record<string, unknown> {
  const { created, running, paused, exited, restarting } = info.containers;
  const has = (controller: string) => info.controllers.includes(controller);
  const isCpu = has('cpu');
  return {
    ID: info.id,
    Containers: created + running + paused + exited + restarting,
    ContainersRunning: running + restarting,
    ContainersPaused: paused,
    ContainersStopped: created + exited,
    Images: info.images,
    Driver: info.storageDriver,
    DriverStatus: info.storageDriverStatus,
    Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'null'], Authorization: null, Log: info.logDrivers },
    MemoryLimit: has('memory'),
    SwapLimit: info.swapLimit,
    CpuCfsPeriod: isCpu,
    CpuCfsQuota: isCpu,
    CPUShares: isCpu,
    CPUSet: has('cpuset'),
    PidsLimit: has('pids'),
    OomKillDisable: has('memory') && info.cgroupVersion !== '2',
    IPv4Forwarding: info.ipForwarding,
    Debug: false,
    NFd: 0,
    NGoroutines: 0,
    SystemTime: new Date(info.time).toISOString(),
    LoggingDriver: info.logDriver,
    CgroupDriver: info.cgroupDriver,
    CgroupVersion: cgroupVersion(info),
    NEventsListener: 0,
    KernelVersion: info.kernel,
    OperatingSystem: info.operatingSystem,
    OSVersion: info.osVersion,
    OSType: info.osType,
    Architecture: info.architecture,
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: {
      IndexConfigs: { 'docker.io': { Mirrors: [], Name: 'docker.io', Official: true, Secure: true } },
      InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8'],
      Mirrors: null,
    },
    NCPU: info.cpus,
    MemTotal: info.memory,
    GenericResources: null,
    DockerRootDir: info.root,
    HttpProxy: '',
    HttpsProxy: '',
    NoProxy: '',
    Name: info.hostname,
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: info.version,
    Runtimes: { onggi: { path: 'onggi' } },
    DefaultRuntime: 'onggi',
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: '',
    ContainerdCommit: { ID: '' },
    RuncCommit: { ID: '' },
    InitCommit: { ID: '' },
    SecurityOptions: securityOptions(info),
    CDISpecDirs: ['/etc/cdi', '/var/run/cdi'],
    Warnings: info.warnings.length === 0 ? null : info.warnings,
    ClientInfo: { Debug: false, Version: info.version, Context: 'default', Plugins: [], Warnings: null },
  };
}
