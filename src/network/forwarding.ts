/**
 * Whether this host forwards packets (net.ipv4.ip_forward), which a bridge needs to reach the world.
 *
 * If it is onggi that turns this on, a machine that was no router must not become one. So together with it comes a
 * rule that the links which were there don't start to forward to each other; what other programs add later (another
 * engine's bridge) is not touched. With the last bridge both go again, unless such a link has come in between.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { errnoOf, fromSystemError, type OnggiError } from '../errors.ts';
import { type NetlinkSocket, netlinkSocket } from '../kernel/netlink-socket.ts';
import { aliasOf, bridgePrefix } from './network.ts';
import { batch, deleteTable, hooks, listChains, parseBaseChains } from './nftables.ts';
import { type Link, listLinks, parseLinks } from './route.ts';
import { forwardingRules, forwardingTable, type LinkNames, linkNames, parseLinkNames } from './rules.ts';
import { exchange, transact } from './transaction.ts';

const switchPath = '/proc/sys/net/ipv4/ip_forward';

function forwards(): boolean {
  try {
    return readFileSync(switchPath, 'latin1').trim() !== '0';
  } catch (error) {
    throw fromSystemError(error, `read "${switchPath}"`);
  }
}

/** @returns the error of a host where it can't be written (a read-only /proc/sys) */
function setForwarding(on: boolean): OnggiError | undefined {
  try {
    writeFileSync(switchPath, on ? '1' : '0');
    return undefined;
  } catch (error) {
    const errno = errnoOf(error);
    const failure = fromSystemError(error, `write "${switchPath}"`);
    if (errno === 'EROFS' || errno === 'EACCES' || errno === 'EPERM') return failure;
    throw failure;
  }
}

/** Turns forwarding on where it is off. @returns warnings */
export function allowForwarding(): string[] {
  if (forwards()) return [];
  const route = netlinkSocket('route');
  const netfilter = netlinkSocket('netfilter');
  const before = hostLinks(route);
  const [refusal] = exchange(netfilter, forwardingRules(before)).refused;
  if (refusal !== undefined && refusal.errno !== 'EEXIST') throw refusal.error;
  const failure = setForwarding(true);
  return failure === undefined
    ? []
    : [`this host does not forward packets, so containers reach only it: ${failure.message}`];
}

/**
 * Links that are neither loopback nor onggi's own. A container's link outlives its bridge by as long as the kernel takes
 * to clean up the namespace at its other end, or as somebody holds that open: it has no master then, but its alias.
 */
function hostLinks(route: NetlinkSocket): LinkNames {
  const links = parseLinks(transact(route, [listLinks()]));
  const bridges = new Set(links.filter(({ name }) => name.startsWith(bridgePrefix)).map(({ index }) => index));
  const own = ({ index, master, alias }: Link): boolean =>
    bridges.has(index) || bridges.has(master) || alias.startsWith(aliasOf(''));
  return links.filter((link) => link.name !== 'lo' && !own(link)).map(({ name }) => name);
}

function hasBridge(route: NetlinkSocket): boolean {
  return parseLinks(transact(route, [listLinks()])).some(
    ({ name, kind }) => kind === 'bridge' && name.startsWith(bridgePrefix),
  );
}

/**
 * Undoes `allowForwarding` when no bridge of onggi is left and it was onggi that had turned it on. Somebody may make a
 * bridge meanwhile: they look at the switch after their link is there, and here links are looked at after the switch.
 */
export function stopForwarding(route: NetlinkSocket): void {
  if (hasBridge(route)) return;
  const netfilter = netlinkSocket('netfilter');
  const { replies, refused } = exchange(netfilter, [linkNames()]);
  const [refusal] = refused;
  // No such table: this host forwards by its own will.
  if (refusal?.errno === 'ENOENT') return;
  if (refusal !== undefined) throw refusal.error;
  const before = new Set(parseLinkNames(replies));
  if (hostLinks(route).some((name) => !before.has(name))) return;
  const gone = exchange(netfilter, batch([deleteTable(forwardingTable)])).refused[0];
  if (gone !== undefined && gone.errno !== 'ENOENT') throw gone.error;
  setForwarding(false);
  if (hasBridge(route)) allowForwarding();
}

/** Chains of other programs that drop what is forwarded unless they know it; an accept of ours would not help. */
export function forwardingObstacles(): string[] {
  const netfilter = netlinkSocket('netfilter');
  const chains = parseBaseChains(transact(netfilter, [listChains()]));
  return chains
    .filter(({ hook, policy }) => hook === hooks.forward && policy === 'drop')
    .map(
      ({ table, name }) =>
        `table "${table}" of this host's firewall drops forwarded packets by default (chain "${name}"): ` +
        `containers reach the world only if it accepts "${bridgePrefix}*"`,
    );
}
