/** Rows of `networks`, `address_leases` and `port_leases`. */
import { OnggiError } from '../errors.ts';
import { all, type Database, get, type Row, run, violated } from './database.ts';
import { integer, text, word } from './row.ts';

export type NetworkRow = {
  readonly name: string;
  /** Name of the bridge link, unique on the machine. */
  readonly bridge: string;
  /** CIDR text, "10.88.0.0/16". */
  readonly subnet: string;
  readonly gateway: string;
  /** "onggi" for the default network, "user" for one that was asked for. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
};

export type AddressLease = { readonly network: string; readonly address: string; readonly containerId: string };

export type PortLease = {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly protocol: 'tcp' | 'udp';
  readonly containerId: string;
  readonly containerPort: number;
};

/** @throws OnggiError `exists` when the name or the bridge is taken */
export function insertNetwork(database: Database, network: NetworkRow): void {
  try {
    run(
      database,
      'INSERT INTO networks (name, bridge, subnet, gateway, owner, created) VALUES (?, ?, ?, ?, ?, ?)',
      network.name,
      network.bridge,
      network.subnet,
      network.gateway,
      network.owner,
      network.created,
    );
  } catch (error) {
    if (violated(error) !== 'unique') throw error;
    throw new OnggiError('exists', `network "${network.name}": its name or bridge "${network.bridge}" is taken`, {
      cause: error,
    });
  }
}

export function networkByName(database: Database, name: string): NetworkRow | undefined {
  const row = get(database, 'SELECT * FROM networks WHERE name = ?', name);
  return row === undefined ? undefined : networkOf(row);
}

export function listNetworks(database: Database): NetworkRow[] {
  return all(database, 'SELECT * FROM networks ORDER BY name').map(networkOf);
}

/** Moves a network whose bridge does not stand to another place on this host. False when its bridge stands. */
export function moveNetwork(
  database: Database,
  name: string,
  { bridge, subnet, gateway }: Pick<NetworkRow, 'bridge' | 'subnet' | 'gateway'>,
): boolean {
  const sql = 'UPDATE networks SET bridge = ?, subnet = ?, gateway = ? WHERE name = ? AND active = 0';
  return run(database, sql, bridge, subnet, gateway, name) > 0;
}

export function isNetworkActive(database: Database, name: string): boolean {
  const row = get(database, 'SELECT active FROM networks WHERE name = ?', name);
  return row !== undefined && integer(row, 'active') !== 0;
}

/** Notes that the bridge of a network is about to be made. */
export function activateNetwork(database: Database, name: string): void {
  run(database, 'UPDATE networks SET active = 1, idle_since = NULL, visit = 0 WHERE name = ?', name);
}

/** Notes that the bridge of a network has been removed; not when somebody has taken a lease, who makes it again. */
export function deactivateNetwork(database: Database, name: string): void {
  run(database, `UPDATE networks SET active = 0, idle_since = NULL, visit = 0 WHERE name = ? AND ${unused}`, name);
}

const unused = 'NOT EXISTS (SELECT 1 FROM address_leases WHERE network = networks.name)';

/** To be called in the transaction that gives leases back. @param now milliseconds since the epoch, as all below */
export function noteIdleNetworks(database: Database, now: number): void {
  run(database, `UPDATE networks SET idle_since = ? WHERE active = 1 AND idle_since IS NULL AND ${unused}`, now);
}

export type IdleNetwork = {
  readonly name: string;
  readonly idleSince: number;
  /** Until then somebody is expected to remove its bridge. */
  readonly visit: number;
};

/** Networks whose bridge may stand though nobody has a lease on it. */
export function idleNetworks(database: Database): IdleNetwork[] {
  const sql = `SELECT name, coalesce(idle_since, 0) AS since, visit FROM networks WHERE active = 1 AND ${unused}`;
  return all(database, sql).map((row) => ({
    name: text(row, 'name'),
    idleSince: integer(row, 'since'),
    visit: integer(row, 'visit'),
  }));
}

/** Announces a visit to the idle networks that expect none. @returns whether there was such a network */
export function announceVisit(database: Database, now: number, until: number): boolean {
  const sql = `UPDATE networks SET visit = ? WHERE active = 1 AND visit < ? AND ${unused}`;
  return run(database, sql, until, now) > 0;
}

/**
 * False when there was none.
 * @throws OnggiError `conflict` when a container or a lease still uses it
 */
export function deleteNetwork(database: Database, name: string): boolean {
  try {
    return run(database, 'DELETE FROM networks WHERE name = ?', name) > 0;
  } catch (error) {
    if (violated(error) !== 'foreign-key') throw error;
    throw new OnggiError('conflict', `network "${name}" has containers`, { cause: error });
  }
}

/**
 * Takes an address. Choose it from `listAddressLeases` in the same transaction.
 * @throws OnggiError `exists` when it is taken
 */
export function takeAddress(database: Database, lease: AddressLease): void {
  try {
    run(
      database,
      'INSERT INTO address_leases (network, address, container_id) VALUES (?, ?, ?)',
      lease.network,
      lease.address,
      lease.containerId,
    );
  } catch (error) {
    if (violated(error) !== 'unique') throw error;
    throw new OnggiError('exists', `address "${lease.address}" of network "${lease.network}" is taken`, {
      cause: error,
    });
  }
}

/** Leases of a network, or all. */
export function listAddressLeases(database: Database, network?: string): AddressLease[] {
  const rows =
    network === undefined
      ? all(database, 'SELECT * FROM address_leases')
      : all(database, 'SELECT * FROM address_leases WHERE network = ?', network);
  return rows.map(addressOf);
}

export function addressesOfContainer(database: Database, containerId: string): AddressLease[] {
  return all(database, 'SELECT * FROM address_leases WHERE container_id = ?', containerId).map(addressOf);
}

/** @throws OnggiError `exists` when exactly this address and port is taken; overlaps are the caller's policy */
export function takePort(database: Database, lease: PortLease): void {
  try {
    run(
      database,
      'INSERT INTO port_leases (host_ip, host_port, protocol, container_id, container_port) VALUES (?, ?, ?, ?, ?)',
      lease.hostIp,
      lease.hostPort,
      lease.protocol,
      lease.containerId,
      lease.containerPort,
    );
  } catch (error) {
    if (violated(error) !== 'unique') throw error;
    throw new OnggiError('exists', `Bind for ${lease.hostIp}:${lease.hostPort} failed: port is already allocated`, {
      cause: error,
    });
  }
}

/** All port leases, or those of one host port on any address. */
export function listPortLeases(
  database: Database,
  port?: { readonly hostPort: number; readonly protocol: 'tcp' | 'udp' },
): PortLease[] {
  const rows =
    port === undefined
      ? all(database, 'SELECT * FROM port_leases')
      : all(database, 'SELECT * FROM port_leases WHERE protocol = ? AND host_port = ?', port.protocol, port.hostPort);
  return rows.map(portOf);
}

export function portsOfContainer(database: Database, containerId: string): PortLease[] {
  const sql = 'SELECT * FROM port_leases WHERE container_id = ? ORDER BY container_port, host_ip, host_port';
  return all(database, sql, containerId).map(portOf);
}

/** Gives back all addresses and ports of a container. A second call does nothing. */
export function releaseLeases(database: Database, containerId: string, now: number): void {
  run(database, 'DELETE FROM address_leases WHERE container_id = ?', containerId);
  run(database, 'DELETE FROM port_leases WHERE container_id = ?', containerId);
  noteIdleNetworks(database, now);
}

function networkOf(row: Row): NetworkRow {
  return {
    name: text(row, 'name'),
    bridge: text(row, 'bridge'),
    subnet: text(row, 'subnet'),
    gateway: text(row, 'gateway'),
    owner: text(row, 'owner'),
    created: integer(row, 'created'),
  };
}

function addressOf(row: Row): AddressLease {
  return { network: text(row, 'network'), address: text(row, 'address'), containerId: text(row, 'container_id') };
}

function portOf(row: Row): PortLease {
  return {
    hostIp: text(row, 'host_ip'),
    hostPort: integer(row, 'host_port'),
    protocol: word(row, 'protocol', ['tcp', 'udp']),
    containerId: text(row, 'container_id'),
    containerPort: integer(row, 'container_port'),
  };
}
