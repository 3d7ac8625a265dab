/** The order in which the phases of a test run go on, and in which they are shown. */
import type { Print } from './test-program.ts';
import type { Counts } from './test-summary.ts';

export type Phase = { readonly name: string; readonly title: string; run(print: Print): Promise<Counts> };

export type PhaseResult = { readonly name: string; readonly counts: Counts; readonly seconds: number };

/**
 * Runs phases in their order, `width` at a time. What they print is not mixed: the first that has not ended is shown as
 * it goes on, the others when it is their turn.
 */
export async function runPhases(phases: readonly Phase[], width: number, print: Print): Promise<PhaseResult[]> {
  const prints = inTurn(phases, print);
  const results: PhaseResult[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < phases.length; index = next++) {
      const [phase, output] = [phases[index], prints[index]];
      if (phase === undefined || output === undefined) return;
      const started = Date.now();
      const counts = await phase.run(output.print);
      results[index] = { name: phase.name, counts, seconds: (Date.now() - started) / 1000 };
      output.end();
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
}

type Output = { readonly print: Print; end(): void };

function inTurn(phases: readonly Phase[], print: Print): Output[] {
  const states = phases.map(({ title }) => ({ title, lines: [] as string[], ended: false }));
  let turn = 0;
  const show = (): void => print(`\n== ${states[turn]?.title}`);
  const advance = (): void => {
    while (states[turn]?.ended === true) {
      turn += 1;
      const state = states[turn];
      if (state === undefined) return;
      show();
      for (const line of state.lines.splice(0)) print(line);
    }
  };
  if (states.length > 0) show();
  return states.map((state, index) => ({
    print: (line) => (index === turn ? print(line) : void state.lines.push(line)),
    end() {
      state.ended = true;
      advance();
    },
  }));
}
