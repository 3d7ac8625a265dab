/** Kernel parameters of a container: only those that belong to one of its own namespaces. Pure. */
import { OnggiError } from '../../errors.ts';
import { holdsControl } from '../control-character.ts';
import type { Namespaces } from './namespaces.ts';
import type { InitStep, NamespaceType } from './steps.ts';

/** ipc_namespaces(7). */
const ipcNames: ReadonlySet<string> = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

/**
 * @throws OnggiError `invalid` for a malformed name or value, or one whose namespace the container shares with the
 *   host: there it would change the host (CVE-2022-0811 set kernel.core_pattern this way)
 */
export function compileSysctls(sysctls: Readonly<Record<string, string>>, namespaces: Namespaces): InitStep[] {
  return Object.entries(sysctls).map(([given, value]) => {
    const name = sysctlPath(given);
    const namespace = namespaceOf(name);
    if (namespace === undefined) {
      throw refused(given, 'it belongs to no namespace, it would change the host');
    }
    if (!namespaces.has(namespace)) {
      throw refused(given, `the container shares the host's ${namespace} namespace`);
    }
    if (holdsControl(value, '\t')) {
      throw refused(given, `its value "${value}" holds a control character`);
    }
    return { op: 'sysctl', name, value };
  });
}

/** The namespaces that these parameters belong to. */
export function sysctlNamespaces(sysctls: Readonly<Record<string, string>>): NamespaceType[] {
  const found: NamespaceType[] = [];
  for (const name of Object.keys(sysctls)) {
    const namespace = namespaceOf(sysctlPath(name));
    if (namespace !== undefined) found.push(namespace);
  }
  return found;
}

/**
 * The name with slashes between its parts. As sysctl(8) reads names: the first separator decides, so that
 * "net/ipv4/conf/eth0.1/forwarding" and "net.ipv4.conf.eth0/1.forwarding" name an interface with a dot in it.
 */
export function sysctlPath(name: string): string {
  if (/^[a-z]\w*(?:\.[a-z]\w*)+$/.test(name)) return name.split('.').join('/');
  const slashed = name.search(/[./]/) >= 0 && name.charAt(name.search(/[./]/)) === '/';
  const path = slashed ? name : name.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
  const parts = path.split('/');
  if (parts.length < 2 || parts.some((part) => !/^[\w.@:-]+$/.test(part) || /^\.+$/.test(part))) {
    throw refused(name, 'not a name like "net.ipv4.ip_forward"');
  }
  return path;
}

function namespaceOf(path: string): NamespaceType | undefined {
  if (path.startsWith('net/')) return 'net';
  if (path.startsWith('fs/mqueue/') || ipcNames.has(path.split('/').join('.'))) return 'ipc';
  // kernel.hostname is the hostname field's business.
  return path === 'kernel/domainname' ? 'uts' : undefined;
}

function refused(name: string, why: string): OnggiError {
  return new OnggiError('invalid', `sysctl "${name}": ${why}`, { field: 'linux.sysctl' });
}
