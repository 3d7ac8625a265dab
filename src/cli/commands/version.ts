import { release } from 'node:os';
import { hostPlatform } from '../../oci/platform.ts';
import { version } from '../../version.ts';
import { asIs, defineCommand, single } from '../definition.ts';
import { printRecord } from '../format/record.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: { format: single('string', asIs, "Print by a Go template, or 'json'", { short: 'f' }) },
  async run({ flags: { format }, context }) {
    const { os, architecture } = hostPlatform();
    const bun = process.versions['bun'];
    const facts = {
      Version: version,
      Runtime: bun === undefined ? `Node ${process.versions.node}` : `Bun ${bun}`,
      Os: os,
      Arch: architecture,
      KernelVersion: release(),
    };
    // There is no daemon: what does the work is this program, too.
    if (format !== undefined && format !== '') {
      context.stdout.print(printRecord({ Client: facts, Server: facts }, format));
      return 0;
    }
    const lines = [
      ['Version', facts.Version],
      ['Runtime', facts.Runtime],
      ['OS/Arch', `${os}/${architecture}`],
      ['Kernel', facts.KernelVersion],
    ];
    const text = lines.map(([name, value]) => ` ${`${name}:`.padEnd(18)} ${value}\n`).join('');
    context.stdout.print(`onggi, without a daemon:\n${text}`);
    return 0;
  },
});
