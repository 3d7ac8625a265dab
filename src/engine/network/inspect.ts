/** `inspect` of a network in the shape of the Docker Engine API. */
import { OnggiError } from '../../errors.ts';
import { listContainers } from '../../store/container-row.ts';
import { listAddressLeases, networkByName } from '../../store/network-row.ts';
import { containerOf } from '../container/container.ts';
import { networkFacts } from '../container/network.ts';
import { settleStale } from '../container/reconcile.ts';
import type { Context } from '../context.ts';

type Endpoint = { readonly Name: string } & Readonly<Record<string, string>>;

/** Modes that are no network of the store. */
const drivers: Readonly<Record<string, string>> = { bridge: 'bridge', host: 'host', none: 'null' };

/** Docker's zero of time, for what nobody has made. */
const never = '0001-01-01T00:00:00Z';

/** @throws OnggiError `not-found` */
export async function inspectNetwork(context: Context, name: string): Promise<Record<string, unknown>> {
  const { database } = context.store;
  await settleStale(context);
  const row = networkByName(database, name);
  const driver = row === undefined && Object.hasOwn(drivers, name) ? drivers[name] : row && 'bridge';
  if (driver === undefined) throw new OnggiError('not-found', `network ${name} not found`);
  const config = row === undefined ? [] : [{ Subnet: row.subnet, Gateway: row.gateway }];
  return {
    Name: name,
    Id: name,
    Created: row === undefined ? never : new Date(row.created).toISOString(),
    Scope: 'local',
    Driver: driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: 'default', Options: null, Config: config },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: endpoints(context, name),
    Options: row === undefined ? {} : { 'com.docker.network.bridge.name': row.bridge },
    Labels: {},
  };
}

/** Of those that run now, by id. */
function endpoints({ store }: Context, name: string): Readonly<Record<string, Endpoint>> {
  const { database } = store;
  const leases = new Map(listAddressLeases(database).map(({ containerId, address }) => [containerId, address]));
  const network = networkByName(database, name);
  const members = listContainers(database, ['running']).filter(
    ({ networkName, networkMode }) => (networkName ?? networkMode) === name,
  );
  return Object.fromEntries(
    members.map((container) => {
      const address = leases.get(container.id);
      const facts =
        network === undefined || address === undefined
          ? undefined
          : networkFacts(network, address, containerOf(store, container).options.macAddress);
      const endpoint = {
        Name: container.name,
        EndpointID: container.id,
        MacAddress: facts?.mac ?? '',
        IPv4Address: facts === undefined ? '' : `${address}/${facts.prefixLength}`,
        IPv6Address: '',
      };
      return [container.id, endpoint];
    }),
  );
}
