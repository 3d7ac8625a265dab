/** Attackers who change a shared directory while other containers are being made. */
import { type Arena, background, printed, type Volume } from './arena.ts';

/**
 * Runs `body` a number of times while a hostile container, which has the same volume, exchanges two entries of it as
 * fast as it can.
 * @param shared host directory
 * @param entries names in it
 */
export async function race(
  arena: Arena,
  shared: string,
  entries: readonly [string, string],
  rounds: number,
  body: (round: number) => Promise<void>,
): Promise<void> {
  const volume: Volume = { source: shared, target: '/shared' };
  const args = ['onggi-probe', 'swap', ...entries.map((name) => `/shared/${name}`)];
  const attacker = await background(arena, { args, volumes: [volume], clean: true });
  await printed(attacker, 'swapping');
  // For an ordinary user the same code runs with fewer rights: his rounds are to see that it does.
  const times = arena.kind === 'rootless' ? rounds / 2 : rounds;
  for (let round = 0; round < times; round += 1) await body(round);
  await attacker.remove();
}
