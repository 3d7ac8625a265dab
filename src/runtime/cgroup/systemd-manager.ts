/** Talking to a systemd: the machine's, or the caller's own (org.freedesktop.systemd1(5)). */
import { OnggiError } from '../../errors.ts';
import { connectDbus, type DbusConnection, isDbusRefusal } from '../../kernel/dbus.ts';
import type { DbusMessage, DbusValue } from '../../kernel/dbus-message.ts';
import type { UnitProperty } from './systemd-unit.ts';

export interface Manager extends Disposable {
  /** 252 of "252.39-1~deb12u2". */
  version(): Promise<number>;
  /** Cgroup below which its units are: "" for the machine's, "/user.slice/user-1000.slice/user@1000.service". */
  controlGroup(): Promise<string>;
  /** Starts a transient unit and waits until it is there. @throws OnggiError `exists` */
  startTransient(unit: string, properties: readonly UnitProperty[]): Promise<void>;
  /** Stops a unit, kills what is left in it, and waits until it is gone. One that is not there is no error. */
  stop(unit: string): Promise<void>;
  /** For as long as the unit is there. */
  setProperties(unit: string, properties: readonly UnitProperty[]): Promise<void>;
}

const name = 'org.freedesktop.systemd1';
const path = '/org/freedesktop/systemd1';
const managerInterface = `${name}.Manager`;
/** Milliseconds for one job: processes that are to end get a second or two of them. */
const patience = 30_000;

/**
 * By its private socket where we may (as systemctl does for root: it works before and without a bus), else by the bus.
 *
 * @param user the user's own manager
 * @throws OnggiError `unavailable` when there is no systemd to talk to
 */
export async function connectManager(
  user: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Manager> {
  const failures: string[] = [];
  for (const { socket, bus } of sockets(user, env)) {
    try {
      return await managerOver(await connectDbus(socket, bus), bus);
    } catch (error) {
      if (!(error instanceof OnggiError)) throw error;
      failures.push(error.message);
    }
  }
  const whose = user ? `the systemd of user ${process.getuid?.()}` : "the machine's systemd";
  throw new OnggiError('unavailable', `--systemd-cgroup: reach ${whose}: ${failures.join('; ')}`, {
    hint: user
      ? 'Log in as that user, or have "loginctl enable-linger" keep its systemd; set XDG_RUNTIME_DIR where it is elsewhere; or leave --systemd-cgroup out.'
      : 'Run where systemd is the init, or leave --systemd-cgroup out.',
  });
}

type Address = { readonly socket: string; readonly bus: boolean };

function sockets(user: boolean, env: Readonly<Record<string, string | undefined>>): Address[] {
  if (!user) {
    return [
      { socket: '/run/systemd/private', bus: false },
      { socket: busPath(env['DBUS_SYSTEM_BUS_ADDRESS']) ?? '/run/dbus/system_bus_socket', bus: true },
    ];
  }
  const runtime = env['XDG_RUNTIME_DIR'] || `/run/user/${process.getuid?.() ?? 0}`;
  return [
    { socket: `${runtime}/systemd/private`, bus: false },
    { socket: busPath(env['DBUS_SESSION_BUS_ADDRESS']) ?? `${runtime}/bus`, bus: true },
  ];
}

/** Of "unix:path=/run/bus,guid=..."; other transports are not spoken. */
function busPath(address: string | undefined): string | undefined {
  return /(?:^|;)unix:path=([^,;]+)/.exec(address ?? '')?.[1];
}

async function managerOver(connection: DbusConnection, bus: boolean): Promise<Manager> {
  const call = (member: string, signature = '', body: readonly DbusValue[] = []): Promise<readonly DbusValue[]> =>
    connection.call({ destination: name, path, interface: managerInterface, member, signature, body });
  try {
    if (bus) {
      const rule = `type='signal',sender='${name}',interface='${managerInterface}',member='JobRemoved'`;
      const dbus = 'org.freedesktop.DBus';
      const match = { destination: dbus, path: '/org/freedesktop/DBus', interface: dbus, member: 'AddMatch' };
      await connection.call({ ...match, signature: 's', body: [rule] });
      await call('Subscribe');
    }
  } catch (error) {
    connection[Symbol.dispose]();
    throw error;
  }
  const job = (what: string, start: () => Promise<readonly DbusValue[]>): Promise<string> =>
    awaitJob(connection, what, start);
  return {
    version: async () => Number.parseInt(await property(connection, 'Version'), 10) || 0,
    controlGroup: async () => (await property(connection, 'ControlGroup')).replace(/\/(?:init\.scope)?$/, ''),
    async startTransient(unit, properties) {
      const start = (): Promise<string> =>
        job(`start "${unit}"`, () => call('StartTransientUnit', 'ssa(sv)a(sa(sv))', [unit, 'fail', properties, []]));
      const result = await start().catch(async (error: unknown) => {
        if (!isDbusRefusal(error, `${name}.UnitExists`)) throw error;
        // One that has failed stays for people to look at; nobody needs that of a container's.
        await resetFailed(call, unit);
        return await start();
      });
      if (result === 'done') return;
      await resetFailed(call, unit);
      throw new OnggiError('unavailable', `systemd: start "${unit}": the result is "${result}"`);
    },
    async stop(unit) {
      try {
        await job(`stop "${unit}"`, () => call('StopUnit', 'ss', [unit, 'replace']));
      } catch (error) {
        if (!isDbusRefusal(error, `${name}.NoSuchUnit`)) throw error;
      }
      await resetFailed(call, unit);
    },
    async setProperties(unit, properties) {
      await call('SetUnitProperties', 'sba(sv)', [unit, true, properties]);
    },
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

async function property(connection: DbusConnection, of: string): Promise<string> {
  const interfaceName = 'org.freedesktop.DBus.Properties';
  const header = { destination: name, path, interface: interfaceName, member: 'Get' };
  const [found] = await connection.call({ ...header, signature: 'ss', body: [managerInterface, of] });
  const value = typeof found === 'object' && 'signature' in found ? found.value : '';
  return typeof value === 'string' ? value : '';
}

async function resetFailed(
  call: (member: string, signature: string, body: readonly DbusValue[]) => Promise<unknown>,
  unit: string,
): Promise<void> {
  try {
    await call('ResetFailedUnit', 's', [unit]);
  } catch (error) {
    if (!isDbusRefusal(error, `${name}.NoSuchUnit`)) throw error;
  }
}

/** @returns its result: "done", "failed", "canceled", "timeout", "dependency", "skipped" */
async function awaitJob(
  connection: DbusConnection,
  what: string,
  start: () => Promise<readonly DbusValue[]>,
): Promise<string> {
  const results = new Map<DbusValue, string>();
  let arrived = (): void => {};
  // The job may be over before the reply with its name is read.
  const stop = connection.onSignal((signal: DbusMessage) => {
    const [, job, , result] = signal.body;
    if (signal.member !== 'JobRemoved' || signal.interface !== managerInterface) return;
    if (job !== undefined && typeof result === 'string') results.set(job, result);
    arrived();
  });
  try {
    const [job = ''] = await start();
    const deadline = performance.now() + patience;
    for (;;) {
      const result = results.get(job);
      if (result !== undefined) return result;
      const left = deadline - performance.now();
      if (left <= 0) throw new OnggiError('unavailable', `systemd: ${what}: it takes longer than ${patience / 1000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        arrived = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    stop();
  }
}
