/** How a shim or a launcher that waits for its plan gets it. */
import { errnoOf, fromSystemError } from '../errors.ts';
import { addon } from './addon.ts';

/** @param fd of the pipe's end; one who has gone already is found out by what comes next */
export function givePlan(fd: number, plan: Uint8Array): void {
  try {
    addon().writeAll(fd, plan);
  } catch (error) {
    if (errnoOf(error) !== 'EPIPE') throw fromSystemError(error, 'write a plan');
  }
}
