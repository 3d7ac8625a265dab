/** SELinux of this machine: whether it is on, and what its policy says of containers. Acts. */
import { readTextIfThere } from '../../kernel/text-file.ts';
import { type Contexts, parseContexts, policyName } from './label.ts';

/** Before the first policy is loaded, all is of the kernel. */
export function isSelinuxOn(): boolean {
  if (readTextIfThere('/sys/fs/selinux/enforce') === undefined) return false;
  const own = readTextIfThere('/proc/self/attr/current')?.replace(/\0$/, '').trim();
  return own !== undefined && own !== '' && own !== 'kernel';
}

/** Undefined when it says nothing. */
export function readContexts(): Contexts | undefined {
  const policy = policyName(readTextIfThere('/etc/selinux/config') ?? '');
  const text = policy === undefined ? undefined : readTextIfThere(`/etc/selinux/${policy}/contexts/lxc_contexts`);
  return text === undefined ? undefined : parseContexts(text);
}
