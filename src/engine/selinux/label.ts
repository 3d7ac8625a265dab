/**
 * SELinux labels of containers, chosen as container-selinux and go-selinux do (go-selinux, go-selinux/label): the types come
 * from the policy's lxc_contexts, and each container has a pair of categories of its own, so that none has to do with the
 * files of another one (MCS). Pure.
 */
import { OnggiError } from '../../errors.ts';
import type { LabelOptions, SelinuxLabels } from '../types/selinux.ts';

/** Categories of the usual policies: c0 to c1023. */
const categories = 1024;

type Label = { readonly user: string; readonly role: string; readonly type: string; readonly level: string };

/** What the policy names. */
export type Contexts = { readonly process: string; readonly file: string };

/** lxc_contexts(5): `process = "system_u:system_r:container_t:s0"` lines. Undefined when one of the two is missing. */
export function parseContexts(text: string): Contexts | undefined {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^\s*(\w+)\s*=\s*"([^"]*)"/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) found.set(key, value);
  }
  const [process, file] = [found.get('process'), found.get('file')];
  return process === undefined || file === undefined ? undefined : { process, file };
}

/** Name of the policy in /etc/selinux/config. */
export function policyName(config: string): string | undefined {
  const name = /^\s*SELINUXTYPE\s*=\s*([\w.-]+)\s*$/m.exec(config)?.[1];
  return name === undefined || /^\.+$/.test(name) ? undefined : name;
}

/**
 * @param taken labels of the other containers
 * @param random a whole number from 0 up to, but not including, its argument
 * @throws OnggiError `exhausted`, `invalid` for a context without its parts
 */
export function newLabels(
  contexts: Contexts,
  taken: readonly SelinuxLabels[],
  random: (limit: number) => number,
): SelinuxLabels {
  const levels = new Set(taken.map(({ mount }) => parse(mount).level));
  const level = freeLevel(levels, random);
  return { process: withLevel(contexts.process, level), mount: withLevel(contexts.file, level) };
}

function freeLevel(taken: ReadonlySet<string>, random: (limit: number) => number): string {
  // A sixth of all pairs is more containers than a machine has.
  for (let attempt = 0; attempt < 100; attempt++) {
    const [one, other] = [random(categories), random(categories)];
    const level = `s0:c${Math.min(one, other)},c${Math.max(one, other)}`;
    if (one !== other && !taken.has(level)) return level;
  }
  throw new OnggiError('exhausted', 'SELinux: no pair of categories is left for one more container');
}

/** @throws OnggiError `invalid` */
export function applyOptions(labels: SelinuxLabels, options: LabelOptions): SelinuxLabels {
  const { user, role, type, level, filetype } = options;
  const change = (label: string, words: Partial<Label>): string => text({ ...parse(label), ...words });
  const both = { ...(user !== undefined && { user }), ...(level !== undefined && { level }) };
  const own = { ...both, ...(role !== undefined && { role }), ...(type !== undefined && { type }) };
  const files = { ...both, ...(filetype !== undefined && { type: filetype }) };
  return { process: options.disable === true ? '' : change(labels.process, own), mount: change(labels.mount, files) };
}

/** For files that several containers share: all categories may use what has none. */
export function sharedLabel(label: string): string {
  return withLevel(label, 's0');
}

function withLevel(label: string, level: string): string {
  return text({ ...parse(label), level });
}

/** The level has colons of its own. @throws OnggiError `invalid` */
function parse(label: string): Label {
  const [, user, role, type, level] = /^([^:]+):([^:]+):([^:]+):(.+)$/.exec(label) ?? [];
  if (user === undefined || role === undefined || type === undefined || level === undefined) {
    throw new OnggiError('invalid', `SELinux: "${label}" is not of the form USER:ROLE:TYPE:LEVEL`);
  }
  return { user, role, type, level };
}

function text({ user, role, type, level }: Label): string {
  return `${user}:${role}:${type}:${level}`;
}
