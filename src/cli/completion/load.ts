/** The model of completion from the table of commands: loads the definition of each. */
import type { Command, Flags } from '../definition.ts';
import { program } from '../help.ts';
import { commands, mainName, managers } from '../table.ts';
import { type FlagModel, flagValues, type Model, nothing, positionalOffers } from './model.ts';

/** Loads the definition of every command. */
export async function completionModel(globalFlags: Flags): Promise<Model> {
  const shown = commands.filter(({ group }) => group !== 'internal');
  return {
    program,
    globalFlags: flagsOf(globalFlags),
    commands: await Promise.all(
      shown.map(async (entry) => {
        const { command }: { readonly command: Command } = await entry.load();
        return {
          names: entry.names,
          mainName: mainName(entry),
          summary: entry.summary,
          flags: flagsOf(command.flags),
          positional: positionalOffers[command.completes ?? 'none'],
          stops: command.interspersed === false,
        };
      }),
    ),
    managers: Object.entries(managers).map(([name, summary]) => ({ name, summary })),
  };
}

function flagsOf(flags: Flags): FlagModel[] {
  const own = Object.entries(flags).map(([name, flag]) => ({
    name,
    short: flag.short,
    help: flag.help,
    value: flag.kind === 'switch' ? undefined : (flagValues[name] ?? nothing),
  }));
  return [...own, { name: 'help', short: undefined, help: 'Show how to use it', value: undefined }];
}
