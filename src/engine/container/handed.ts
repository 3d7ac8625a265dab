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

/** The plan with so many descriptors to preserve, and all descriptors that its shim is to be started with. */
export function withHanded(
  plan: Plan,
  inherit: Inherited | undefined,
): { readonly plan: Plan; readonly handed: readonly number[] } {
  const { keeper } = plan;
  if (keeper.kind !== 'shim') throw new OnggiError('internal', 'descriptors for a plan without a shim');
  const descriptors = inherit?.descriptors ?? [];
  const own = keeper.handed?.stdio === true ? stdio : [];
  const handed = { stdio: own.length > 0, preserve: descriptors.length };
  return { plan: { ...told(plan, handed.preserve), keeper: { ...keeper, handed } }, handed: [...own, ...descriptors] };
}

/** Another runtime has to know of them, too. */
function told(plan: Plan, preserve: number): Plan {
  const exec = plan.init.at(-1);
  if (preserve === 0 || !plan.runtime?.program || exec?.op !== 'exec') return plan;
  const argv = exec.argv.toSpliced(-1, 0, '--preserve-fds', String(preserve));
  return { ...plan, init: plan.init.with(-1, { ...exec, argv }) };
}
