/**
 * Runs tests in a virtual machine that has cgroup v2 only, and passes their lines on.
 *
 *   node test/vm/boot.ts [TEST FILE...]     paths relative to the repository; the usual ones when none is named
 *   node test/vm/boot.ts --systemd unified|hybrid|legacy [TEST FILE...]     with systemd as init and its set-up of cgroups
 *
 * The kernel is emulated (`-accel tcg`), so it runs wherever the tests do, nested or not.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { summaryLine } from '../../scripts/test-summary.ts';
import { busyboxTar, repository } from '../harness/busybox-image.ts';
import { makeScratch } from '../harness/scratch.ts';
import { guestNode, guestRepository, makeDisk, makeInitrd } from './disk.ts';
import { modulesFor } from './module.ts';
import { addSystemd, type CgroupMode, cgroupModes, isCgroupMode } from './systemd-root.ts';

const usual = ['test/system/cgroup.test.ts', 'test/system/cgroup-update.test.ts', 'test/vm/cgroup-v2.test.ts'];
const usualWithSystemd = ['test/vm/systemd.test.ts'];

const modules = [
  ...['virtio_pci', 'virtio_blk', 'overlay', 'loop', 'crc32c_generic'],
  ...['veth', 'bridge', 'br_netfilter', 'nf_tables', 'nf_nat', 'nf_conntrack'],
  ...['nft_chain_nat', 'nft_nat', 'nft_masq', 'nft_redir', 'nft_ct', 'nft_reject_inet', 'nft_fib_inet'],
];

/** Seconds of wall clock; a machine that hangs is killed. */
const limit = 220;

const [flag, mode, ...others] = process.argv.slice(2);
if (flag === '--systemd' && !isCgroupMode(mode)) throw new Error(`--systemd ${Object.keys(cgroupModes).join('|')}`);
if (process.arch === 'x64') {
  if (flag === '--systemd' && isCgroupMode(mode)) await boot(others, mode);
  else await boot(process.argv.slice(2));
} else {
  console.log('skip virtual machine (x86-64 only)');
  console.log(summaryLine({ passed: 0, failed: 0, skipped: 1 }));
}

async function boot(named: readonly string[], systemd?: CgroupMode): Promise<void> {
  const preset = systemd === undefined ? usual : usualWithSystemd;
  const tests = named.length > 0 ? named : preset.filter((path) => existsSync(join(repository, path)));
  const kernel = join(repository, '.cache/vm/kernel');
  await using scratch = makeScratch();
  const at = (name: string) => join(scratch.path, name);
  for (const stage of ['initrd', 'disk']) mkdirSync(at(stage));
  const image = `${guestRepository}/${relative(repository, await busyboxTar())}`;
  makeInitrd(at('initrd.img'), at('initrd'), modulesFor(join(kernel, 'modules'), modules));
  makeDisk(at('disk.img'), at('disk'), guestCommand(tests, image), systemd === undefined ? undefined : addSystemd);
  const init =
    systemd === undefined ? '' : ` onggi.init=/lib/systemd/systemd systemd.show_status=0 ${cgroupModes[systemd]}`;
  await emulate(join(kernel, 'vmlinuz'), at('initrd.img'), at('disk.img'), init);
}

function guestCommand(tests: readonly string[], image: string): string {
  const scripts = tests.map((path) => path.replace(/\.ts$/, '.js'));
  const reporter = `${guestRepository}/scripts/test-reporter.js`;
  return [
    `cd ${guestRepository}`,
    `export ONGGI_TEST_IMAGE=${image}`,
    `${guestNode} --test --test-concurrency=1 --test-reporter=${reporter} ${scripts.join(' ')}`,
    '',
  ].join('\n');
}

async function emulate(kernel: string, initrd: string, disk: string, parameters: string): Promise<void> {
  const child = spawn(
    'qemu-system-x86_64',
    [
      // V8 uses protection keys for its code where there are any; emulated they cost a third of all time.
      ...['-accel', 'tcg', '-cpu', 'max,-pku', '-smp', '2', '-m', '2048'],
      ...['-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
      ...['-kernel', kernel, '-initrd', initrd],
      ...['-append', `console=ttyS0 quiet panic=-1 hugepages=8 random.trust_cpu=on mitigations=off${parameters}`],
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
