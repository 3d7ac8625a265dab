import type { Finding } from '../../engine/index.ts';
import { defineCommand, toggle } from '../definition.ts';
import { visibleLine } from '../format/visible.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    force: toggle('With --repair: remove containers that have lost their files', { short: 'f' }),
    quick: toggle('Look only whether everything is there, not what is in it', { short: 'q' }),
    repair: toggle('Mend what is broken, or remove it', { short: 'r' }),
  },
  examples: [{ line: 'system check --repair', says: 'After a disk has failed: everything that can be had again is' }],
  async run({ flags: { force, quick, repair }, context }) {
    const engine = await context.engine();
    const show = context.stderr.isTerminal();
    const { findings, garbage } = await engine.system.check({
      quick,
      repair,
      force,
      // One line that is written over.
      ...(show && { onStep: (what: string) => context.stderr.print(`\r\x1b[Kchecking ${what}`) }),
    });
    if (show) context.stderr.print('\r\x1b[K');
    context.stdout.print(findings.map(line).join(''));
    if (garbage.length > 0)
      context.stdout.print(`removed ${garbage.length} unfinished ${garbage.length === 1 ? 'thing' : 'things'}\n`);
    if (findings.length === 0) context.stdout.print('everything is whole\n');
    return findings.every(({ outcome }) => outcome === 'repaired' || outcome === 'dropped') ? 0 : 1;
  },
});

function line({ damage, outcome, says }: Finding): string {
  return `${visibleLine(outcome === 'found' ? damage : `${damage}: ${outcome}: ${says}`)}\n`;
}
