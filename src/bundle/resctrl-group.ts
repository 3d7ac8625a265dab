/** The class of service of a container that is there (resctrl.ts); by itself for `exec`. Acts. */
import { fromSystemError } from '../errors.ts';

export type Resctrl = {
  /** Of its class. */
  readonly directory: string;
  /** The class was made for it, and goes with it. */
  readonly made: boolean;
  /** Directory of its monitoring group in a class that it shares. */
  readonly monitor: string | null;
};

/** Puts a process into it, whose children inherit it. @throws OnggiError */
export function joinResctrl({ directory, monitor }: Resctrl, pid: number): void {
  const { writeFileSync } = process.getBuiltinModule('node:fs');
  for (const path of [directory, ...(monitor === null ? [] : [monitor])]) {
    try {
      writeFileSync(`${path}/tasks`, `${pid}\n`);
    } catch (error) {
      throw fromSystemError(error, `put the container into the resctrl group "${path}"`);
    }
  }
}
