import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { compileRecord } from '../format/record.ts';
import { secretRecord } from '../format/secret-row.ts';

export const command = defineCommand({
  usage: '[OPTIONS] SECRET [SECRET...]',
  positionals: { min: 1, max: null },
  completes: 'secrets',
  flags: {
    format: single('string', asIs, "Print by a Go template, or 'json'", { short: 'f' }),
    pretty: toggle('Print for people'),
    showsecret: toggle('Print what the secret says, too'),
  },
  async run({ flags, args, context }) {
    const { format = '' } = flags;
    const print = format === '' || format === 'json' ? undefined : compileRecord(format);
    const engine = await context.engine();
    const records: Record<string, unknown>[] = [];
    let failed = false;
    for (const ref of args) {
      try {
        const secret = await engine.secrets.get(ref);
        const data = flags.showsecret ? Buffer.from(await engine.secrets.read(ref)).toString() : undefined;
        if (flags.pretty) context.stdout.print(pretty(secret));
        else if (print === undefined) records.push(secretRecord(secret, data));
        else context.stdout.print(`${print(secretRecord(secret, data))}\n`);
      } catch (error) {
        context.report(error);
        failed = true;
      }
    }
    if (print === undefined && !flags.pretty) {
      context.stdout.print(`${JSON.stringify(records, null, format === 'json' ? 0 : 4)}\n`);
    }
    return failed ? 1 : 0;
  },
});

function pretty({ id, name, labels, created, updated }: Parameters<typeof secretRecord>[0]): string {
  const lines = [
    ['ID:', id],
    ['Name:', name],
    ...Object.entries(labels).map(([label, value]) => ['Labels:', `${label}=${value}`]),
    ['Driver:', 'file'],
    ['Created:', new Date(created).toISOString()],
    ['Updated:', new Date(updated).toISOString()],
  ];
  return `${lines.map(([head = '', value = '']) => `${head.padEnd(18)}${value}`).join('\n')}\n`;
}
