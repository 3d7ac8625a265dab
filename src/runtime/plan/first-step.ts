/** Where the steps begin among the records of a plan. Pure. */
import type { Plan } from './steps.ts';

/** Index 0 is the keeper's own record, 1 the spawn; a health check and another runtime come next (native/plan/plan.h). */
export function firstStep({ health, runtime }: Pick<Plan, 'health' | 'runtime'>): number {
  return 2 + (health === undefined ? 0 : 1) + (runtime === undefined ? 0 : 1);
}
