/** Makes the disk of the virtual machine one that Debian's systemd boots, which then runs the tests as a service. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repository } from '../harness/busybox-image.ts';

/** The cgroups that systemd sets up, with the words of the kernel's command line that make it. */
export const cgroupModes = {
  unified: 'systemd.unified_cgroup_hierarchy=1',
  hybrid: 'systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0',
  legacy: 'systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1',
} as const;

export type CgroupMode = keyof typeof cgroupModes;

export function isCgroupMode(word: string | undefined): word is CgroupMode {
  return word !== undefined && Object.hasOwn(cgroupModes, word);
}

const units = '/etc/systemd/system';

/** Nothing of this is to be tested, and each costs seconds of an emulated processor. */
const masked = [
  ...['systemd-logind.service', 'systemd-tmpfiles-setup.service', 'systemd-tmpfiles-setup-dev.service'],
  ...['systemd-journald.service', 'systemd-journald.socket', 'systemd-journald-dev-log.socket'],
  ...['systemd-journald-audit.socket', 'systemd-journal-flush.service', 'systemd-journal-catalog-update.service'],
  ...['systemd-random-seed.service', 'systemd-sysusers.service', 'systemd-update-utmp.service', 'getty.target'],
  ...['systemd-user-sessions.service', 'systemd-binfmt.service', 'systemd-modules-load.service', 'ldconfig.service'],
  ...['systemd-machine-id-commit.service', 'systemd-boot-system-token.service', 'systemd-update-done.service'],
  ...[
    'systemd-sysctl.service',
    'systemd-remount-fs.service',
    'systemd-fsck-root.service',
    'systemd-ask-password-wall.path',
  ],
  ...['systemd-ask-password-console.path', 'timers.target', 'systemd-pcrphase.service', 'systemd-pstore.service'],
];

/** The tests' own unit is a service without limits; the machine goes off with it. */
const service = `[Unit]
Description=Tests of onggi
After=dbus.socket basic.target
Requires=dbus.socket

[Service]
Type=oneshot
Environment=PATH=/bin:/usr/bin:/sbin:/usr/sbin HOME=/root
ExecStart=/bin/sh -c 'dmesg -n 1; ip link set lo up; sh /command'
ExecStopPost=/bin/busybox poweroff -f
StandardInput=null
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
TimeoutStartSec=infinity
TasksMax=infinity
`;

/** @param stage the tree that becomes the disk, with busybox and the tests in it */
export function addSystem(stage: string): void {
  const packages = join(repository, '.cache/vm/system');
  if (!existsSync(packages)) throw new Error(`${packages} is missing: run test/vm/fetch-system`);
  // Busybox keeps its names but for those that criu calls with flags which busybox does not know.
  for (const name of ['ip', 'tar']) rmSync(join(stage, 'bin', name));
  const copied = spawnSync('cp', ['--archive', '--no-clobber', `${packages}/.`, stage], { encoding: 'utf8' });
  if (copied.status !== 0) throw new Error(`cp ${packages}: ${copied.stderr}`);
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(stage, path)), { recursive: true });
    rmSync(join(stage, path), { force: true });
    writeFileSync(join(stage, path), text);
  };
  const link = (target: string, path: string): void => {
    mkdirSync(dirname(join(stage, path)), { recursive: true });
    rmSync(join(stage, path), { force: true });
    symlinkSync(target, join(stage, path));
  };
  for (const name of ['iptables', 'ip6tables']) {
    for (const action of ['', '-save', '-restore']) link('xtables-nft-multi', `/usr/sbin/${name}${action}`);
  }
  put('/etc/machine-id', '0123456789abcdef0123456789abcdef\n');
  put(
    '/etc/passwd',
    'root:x:0:0:root:/root:/bin/sh\nmessagebus:x:100:100::/nonexistent:/bin/false\nuser:x:1000:1000::/tmp:/bin/sh\n',
  );
  put('/etc/group', 'root:x:0:\nmessagebus:x:100:\nuser:x:1000:\n');
  put('/etc/fstab', '');
  put('/etc/hostname', 'vm\n');
  put(`${units}/onggi-test.service`, service);
  link('/lib/systemd/system/multi-user.target', `${units}/default.target`);
  link(`${units}/onggi-test.service`, `${units}/multi-user.target.wants/onggi-test.service`);
  for (const unit of masked) link('/dev/null', `${units}/${unit}`);
}
