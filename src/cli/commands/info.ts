import { asIs, defineCommand, single } from '../definition.ts';
import { infoLines, infoRecord } from '../format/info-record.ts';
import { printRecord } from '../format/record.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: { format: single('string', asIs, "Print by a Go template, or 'json'", { short: 'f' }) },
  async run({ flags: { format }, context }) {
    const engine = await context.engine();
    const info = await engine.info();
    if (format !== undefined && format !== '') {
      context.stdout.print(printRecord(infoRecord(info), format));
      return 0;
    }
    context.stdout.print(infoLines(info).join('\n').concat('\n'));
    for (const warning of info.warnings) context.stderr.print(`WARNING: ${warning}\n`);
    return 0;
  },
});
