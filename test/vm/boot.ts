/**
 * Runs tests in a virtual machine whose init is systemd, and passes their lines on.
 *
 *   node test/vm/boot.ts unified|hybrid|legacy [TEST FILE...]
 *
 * The word is how systemd sets up the cgroups; paths are relative to the repository, the usual ones when none is named.
 *
 * The kernel is emulated (`-accel tcg`), so it runs wherever the tests do, nested or not.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { summaryLine } from '../../scripts/test-summary.ts';
import { busyboxTar, repository } from '../harness/busybox-image.ts';
import { makeScratch } from '../harness/scratch.ts';
import { guestNode, guestRepository, makeDisk, makeInitrd } from './disk.ts';
import { modulesFor } from './module.ts';
import { type CgroupMode, cgroupModes, isCgroupMode } from './system-root.ts';

/** What is the same with any cgroups is tested with the current ones only. */
const usual: Readonly<Record<CgroupMode, readonly string[]>> = {
  unified: [
    'test/system/cgroup.test.ts',
    'test/system/cgroup-update.test.ts',
    'test/vm/cgroup-v2.test.ts',
    'test/vm/rootless.test.ts',
    'test/vm/update.test.ts',
    'test/vm/systemd.test.ts',
    'test/vm/systemd-container.test.ts',
    'test/vm/systemd-user.test.ts',
    'test/vm/session.test.ts',
    'test/vm/checkpoint.test.ts',
    'test/vm/checkpoint-engine.test.ts',
    'test/vm/clock.test.ts',
    'test/system/storage-opt.test.ts',
    'test/vm/selinux.test.ts',
  ],
  hybrid: ['test/vm/systemd.test.ts'],
  legacy: ['test/vm/systemd.test.ts'],
};

/** Programs of this machine that are put into the virtual one for a test: some are large. */
const programs: Readonly<Record<string, readonly string[]>> = {
  'test/vm/engines.test.ts': [
    ...['/usr/sbin/dockerd', '/usr/bin/docker', '/usr/bin/containerd', '/usr/bin/containerd-shim-runc-v2'],
    ...['/usr/sbin/runc', '/usr/bin/podman', '/usr/bin/conmon'],
  ],
};

const modules = [
  ...['virtio_pci', 'virtio_blk', 'overlay', 'loop', 'crc32c_generic', 'quota_tree', 'quota_v2'],
  ...['veth', 'bridge', 'br_netfilter', 'nf_tables', 'nf_nat', 'nf_conntrack'],
  ...['nft_chain_nat', 'nft_nat', 'nft_masq', 'nft_redir', 'nft_ct', 'nft_reject_inet', 'nft_fib_inet'],
  // Of criu: it locks the network by iptables, and asks for sockets by sock_diag(7).
  ...['nft_compat', 'xt_mark', 'nf_conntrack_netlink', 'tun', 'unix_diag', 'inet_diag', 'tcp_diag', 'udp_diag'],
  ...['raw_diag', 'netlink_diag', 'af_packet_diag'],
];

const kernelParameters =
  'console=ttyS0 quiet panic=-1 hugepages=8 random.trust_cpu=on mitigations=off systemd.show_status=0 ' +
  // Without a policy, which a test loads, it is as good as off.
  'security=selinux selinux=1 enforcing=0';

/** Seconds of wall clock; a machine that hangs is killed. */
const limit = 900;

const [mode, ...named] = process.argv.slice(2);
if (!isCgroupMode(mode)) throw new Error(`usage: boot.ts ${Object.keys(cgroupModes).join('|')} [TEST FILE...]`);
if (process.arch === 'x64') {
  await boot(mode, named);
} else {
  console.log('skip virtual machine (x86-64 only)');
  console.log(summaryLine({ passed: 0, failed: 0, skipped: 1 }));
}

async function boot(mode: CgroupMode, named: readonly string[]): Promise<void> {
  const tests = named.length > 0 ? named : usual[mode];
  const kernel = join(repository, '.cache/vm/kernel');
  await using scratch = makeScratch();
  const at = (name: string) => join(scratch.path, name);
  for (const stage of ['initrd', 'disk']) mkdirSync(at(stage));
  const image = `${guestRepository}/${relative(repository, await busyboxTar())}`;
  makeInitrd(at('initrd.img'), at('initrd'), modulesFor(join(kernel, 'modules'), modules));
  const asked = tests.flatMap((test) => programs[test] ?? []);
  makeDisk(at('disk.img'), at('disk'), guestCommand(tests, image), asked);
  await emulate(join(kernel, 'vmlinuz'), at('initrd.img'), at('disk.img'), cgroupModes[mode]);
}

function guestCommand(tests: readonly string[], image: string): string {
  const scripts = tests.map((path) => path.replace(/\.ts$/, '.js'));
  const reporter = `${guestRepository}/scripts/test-reporter.js`;
  return [
    `cd ${guestRepository}`,
    // Short programs: code that is compiled in them is translated once more by the emulator.
    `export ONGGI_TEST_IMAGE=${image} ONGGI_TEST_PATIENCE=5 BUN_JSC_useJIT=0`,
    `${guestNode} --test --test-concurrency=1 --test-reporter=${reporter} ${scripts.join(' ')}`,
    '',
  ].join('\n');
}

async function emulate(kernel: string, initrd: string, disk: string, parameters: string): Promise<void> {
  const child = spawn(
    'qemu-system-x86_64',
    [
      // Cost time when emulated: protection keys, which V8 uses for its code (a third), page tables of five levels.
      ...['-accel', 'tcg', '-cpu', 'max,-pku,-la57', '-smp', '2', '-m', '2048'],
      ...['-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
      ...['-kernel', kernel, '-initrd', initrd],
      ...['-append', `${kernelParameters} ${parameters}`],
      ...['-drive', `file=${disk},format=raw,if=virtio,cache=unsafe`],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const timer = setTimeout(() => {
    console.log(`FAIL the virtual machine did not power off within ${limit} s`);
    process.exitCode = 1;
    child.kill('SIGKILL');
  }, limit * 1000);
  createInterface({ input: child.stdout }).on('line', (line) => console.log(line.replace(/\r+$/, '')));
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      if (status !== 0) process.exitCode = 1;
      resolve();
    });
  }).finally(() => clearTimeout(timer));
}
