/**
 * The smallest policy of SELinux in which containers have labels: one user, the types of container-selinux, categories (MCS).
 * One thing is denied: a container has no files of categories that it does not have itself. Compiled by secilc(8), loaded by the
 * test.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where it lies in the guest. */
export const policyPath = '/selinux/policy';

/** All that the kernel has numbers for (security/selinux/include/initial_sid_to_string.h), in their order. */
const initialIds = `kernel security unlabeled fs file file_labels init any_socket port netif netmsg node igmp_packet
  icmp_socket tcp_socket sysctl_modprobe sysctl sysctl_fs sysctl_kernel sysctl_net sysctl_net_unix sysctl_vm sysctl_dev
  kmod policy scmp_packet devnull`.split(/\s+/);
const ofProcesses = new Set(['kernel', 'init', 'any_socket']);
const types = ['kernel_t', 'file_t', 'container_t', 'container_file_t', 'other_t', 'other_file_t'];
/** Without its class no label can be set on a file; what permissions the kernel knows besides are given. */
const files = ['file', 'dir', 'lnk_file', 'chr_file', 'blk_file', 'sock_file', 'fifo_file'];
const categories = Array.from({ length: 1024 }, (_, number) => `c${number}`);
const all = '((s0) (s0 (range c0 c1023)))';

function permissions(name: string): string {
  return name === 'file' ? 'execmod read write' : 'execmod';
}

function lines(): string[] {
  const each = <T>(items: readonly T[], line: (item: T) => string): string[] => items.map(line);
  return [
    '(handleunknown allow) (mls true)',
    ...each(initialIds, (id) => `(sid ${id})`),
    `(sidorder (${initialIds.join(' ')}))`,
    '(class process (transition dyntransition))',
    ...each(files, (name) => `(class ${name} (${permissions(name)}))`),
    `(classorder (process ${files.join(' ')}))`,
    '(sensitivity s0) (sensitivityorder (s0))',
    ...each(categories, (category) => `(category ${category})`),
    `(categoryorder (${categories.join(' ')})) (sensitivitycategory s0 (range c0 c1023))`,
    '(user system_u) (role system_r) (role object_r) (userrole system_u system_r) (userrole system_u object_r)',
    `(userlevel system_u (s0)) (userrange system_u ${all})`,
    ...each(types, (type) => `(type ${type}) (roletype system_r ${type}) (roletype object_r ${type})`),
    `(context of_process (system_u system_r kernel_t ${all})) (context of_file (system_u object_r file_t ((s0) (s0))))`,
    ...each(initialIds, (id) => `(sidcontext ${id} ${ofProcesses.has(id) ? 'of_process' : 'of_file'})`),
    '(typeattribute domain) (typeattributeset domain (kernel_t container_t other_t))',
    '(allow domain domain (process (transition dyntransition)))',
    `(typeattribute anything) (typeattributeset anything (${types.join(' ')}))`,
    ...each(files, (name) => `(allow domain anything (${name} (${permissions(name)})))`),
    // Of what all programs do with files the kernel asks these two alone; directories may be walked.
    '(mlsconstrain (file (read write)) (or (dom h1 h2) (neq t1 container_t)))',
    ...each(['ext4', 'overlay'], (type) => `(fsuse xattr ${type} of_file)`),
    ...each(['tmpfs', 'devtmpfs', 'devpts', 'mqueue', 'hugetlbfs'], (type) => `(fsuse trans ${type} of_file)`),
    ...each(['pipefs', 'sockfs'], (type) => `(fsuse task ${type} of_process)`),
    ...each(
      ['proc', 'sysfs', 'selinuxfs', 'cgroup', 'cgroup2', 'securityfs'],
      (type) => `(genfscon ${type} / of_file)`,
    ),
  ];
}

/** @param stage the tree that becomes the disk */
export function addPolicy(stage: string): void {
  mkdirSync(join(stage, 'selinux'));
  const source = join(stage, 'selinux/policy.cil');
  writeFileSync(source, `${lines().join('\n')}\n`);
  const words = [
    '--mls',
    'true',
    '--policyvers',
    '33',
    '--output',
    join(stage, policyPath),
    '--filecontext',
    '/dev/null',
  ];
  const { status, stderr, error } = spawnSync('secilc', [...words, source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`secilc: ${error?.message ?? stderr}`);
}
