/** What of this process's own descriptors the first process of a container gets. Pure. */
import { OnggiError } from '../../errors.ts';
import type { Plan } from '../../runtime/plan/steps.ts';
import type { Inherited } from '../types.ts';
import type { Container } from './container.ts';

const stdio: readonly number[] = [0, 1, 2];

/** Told of what it gets, if it does not set such variables itself. */
export function withInherited(container: Container, { env }: Inherited): Container {
  const { options } = container;
  return { ...container, options: { ...options, env: [...env, ...(options.env ?? [])] } };
}

/** All descriptors that its shim is to be started with. */
export function handedTo({ options }: Container, inherit: Inherited | undefined): number[] {
  return [...(options.log?.driver === 'passthrough' ? stdio : []), ...(inherit?.descriptors ?? [])];
}

/** The plan with so many descriptors to preserve. */
export function withHanded(plan: Plan, inherit: Inherited | undefined): Plan {
  const { keeper } = plan;
  if (keeper.kind !== 'shim') throw new OnggiError('internal', 'descriptors for a plan without a shim');
  const preserve = inherit?.descriptors.length ?? 0;
  const handed = { stdio: keeper.handed?.stdio === true, preserve };
  return { ...told(plan, preserve), keeper: { ...keeper, handed } };
}

/** Another runtime has to know of them, too. */
function told(plan: Plan, preserve: number): Plan {
  const exec = plan.init.at(-1);
  if (preserve === 0 || !plan.runtime?.program || exec?.op !== 'exec') return plan;
  const argv = exec.argv.toSpliced(-1, 0, '--preserve-fds', String(preserve));
  return { ...plan, init: plan.init.with(-1, { ...exec, argv }) };
}
