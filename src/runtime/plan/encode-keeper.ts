/** The records of keepers, as native/plan/plan.h describes them. Pure. */
import { healthActionNumbers, logDriverNumbers, logTransportNumbers } from './numbers.ts';
import type { ForeignRuntime, HealthCheck, LauncherOptions, LogServer, Restoration, ShimOptions } from './steps.ts';
import type { Writer } from './writer.ts';

export function writeShim(out: Writer, shim: ShimOptions): void {
  out.string(shim.id);
  out.string(shim.socket);
  writeLog(out, shim.log);
  out.string(shim.exitFile);
  out.bool(shim.exitUnsynced ?? false);
  out.strings(shim.reconcile);
  out.bool(shim.terminal);
  out.bool(shim.stdin);
  out.bool(shim.stdinOnce);
  out.bool(shim.startRequired);
  out.u32(shim.oom?.version ?? 0);
  out.string(shim.oom?.directory ?? '');
  out.bool(shim.handed?.stdio ?? false);
  out.u32(shim.handed?.preserve ?? 0);
  out.optionalString(shim.events?.log ?? null);
  out.string(shim.events?.tail ?? '');
}

export function writeHealth(out: Writer, health: HealthCheck): void {
  out.string(health.directory);
  out.optionalString(health.freezer);
  for (const time of [health.interval, health.timeout, health.startPeriod, health.startInterval]) {
    out.u64(BigInt(Math.ceil(time)));
  }
  out.u32(health.retries);
  out.u32(healthActionNumbers[health.action]);
  out.strings(health.command);
}

export function writeRuntime(out: Writer, runtime: ForeignRuntime): void {
  for (const text of [runtime.program, runtime.state, runtime.id, runtime.pidFile, runtime.log]) out.string(text);
  out.optionalString(runtime.console);
  out.optionalString(runtime.group);
  out.u32(runtime.seconds);
}

export function writeRestoration(out: Writer, { group, request }: Restoration): void {
  out.optionalString(group);
  out.blob(request);
}

function writeLog(out: Writer, log: ShimOptions['log']): void {
  const file = log !== null && 'path' in log ? log : undefined;
  const target = log !== null && 'server' in log ? log : undefined;
  out.u32(log === null ? 0 : logDriverNumbers[log.driver ?? 'json-file']);
  out.optionalString(file?.path ?? null);
  out.u64(file?.maxSize ?? 0n);
  out.u32(file?.maxFiles ?? 0);
  out.bool(file?.compress ?? false);
  out.u64(log?.bufferSize ?? 0n);
  out.u32(target === undefined ? 0 : logTransportNumbers[target.server.transport]);
  out.string(target === undefined ? '' : addressOf(target.server));
  out.u32(target?.server.port ?? 0);
  out.u32(target?.numbers[0] ?? 0);
  out.u32(target?.numbers[1] ?? 0);
  out.blob(target?.head ?? new Uint8Array());
  out.blob(log?.fields ?? new Uint8Array());
}

function addressOf(server: LogServer): string {
  return server.transport === 'tls' ? server.command.join('\n') : server.address;
}

export function writeLauncher(out: Writer, launcher: LauncherOptions): void {
  out.string(launcher.id);
  out.bool(launcher.terminal);
  out.bool(launcher.consoleSocket);
  out.u32(launcher.preserve);
  out.bool(launcher.stay);
  out.optionalString(launcher.startFifo);
}
