/**
 * Network devices of the machine that a container takes with it (config-linux.md, "Network Devices"), as steps of a
 * plan. Acts: asks the kernel for their indices and addresses, which a move takes away.
 */
import { OnggiError } from '../errors.ts';
import { netlinkSocket } from '../kernel/netlink-socket.ts';
import type { NetlinkStep } from '../kernel/netlink-step.ts';
import { listAddresses, parseAddresses, restoreAddress } from './link-address.ts';
import { encodeMessages, type Message } from './netlink-message.ts';
import { getLink, linkUp, moveLink, parseLinks } from './route.ts';
import { exchange, transact } from './transaction.ts';
import { highIndex } from './veth.ts';

export type MovedDevice = {
  /** On the machine. */
  readonly name: string;
  /** In the container, "%d" standing for the first free number; absent: the same. */
  readonly rename?: string;
};

/**
 * @param nonce at least 7 hexadecimal digits, from which the indices inside are taken: those of the machine may be taken
 * @returns `outside` runs in the machine's network namespace once the container's is there, `inside` in that one
 * @throws OnggiError `not-found` for a device that is not there
 */
export function deviceSteps(
  devices: readonly MovedDevice[],
  nonce: string,
): { readonly outside: NetlinkStep; readonly inside: NetlinkStep } {
  const socket = netlinkSocket('route');
  const addresses = parseAddresses(transact(socket, [listAddresses()]));
  const moved = devices.map(({ name, rename }, at) => {
    const { replies, refused } = exchange(socket, [getLink(name)]);
    const found = parseLinks(replies)[0];
    if (found === undefined || refused.length > 0) {
      throw new OnggiError('not-found', `linux.netDevices: this machine has no network device "${name}"`);
    }
    const index = highIndex(nonce) + at;
    const own = addresses.filter((one) => one.index === found.index && one.permanent && one.global);
    return {
      outside: moveLink(found, index, rename ?? null),
      // Its addresses before it is up, or it would give itself one more.
      inside: [...own.map((one) => restoreAddress(one, index)), linkUp({ index })],
    };
  });
  const names = devices.map(({ name }) => `"${name}"`).join(', ');
  return {
    outside: step(
      moved.map(({ outside }) => outside),
      `move network devices ${names} into the container`,
    ),
    inside: step(
      moved.flatMap(({ inside }) => inside),
      `set up network devices ${names}`,
    ),
  };
}

/** A datagram for each, so that an error names the one that it is about. */
function step(messages: readonly Message[], what: string): NetlinkStep {
  return {
    op: 'netlink',
    protocol: 'route',
    messages: messages.map((message) => ({ ...encodeMessages([message]), what: message.what })),
    what,
  };
}
