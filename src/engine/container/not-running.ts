/** What is said of a container in which nothing can be done because it does not run. Pure. */
import { OnggiError } from '../../errors.ts';
import type { Container } from './container.ts';

/** Docker's words for one that waits for its next start by its restart policy. */
export function notRunning({ row }: Pick<Container, 'row'>, cause?: OnggiError): OnggiError {
  const more = cause === undefined ? {} : { cause };
  const { name } = row;
  if (row.restartAt !== null) {
    return new OnggiError('conflict', `Container ${name} is restarting, wait until the container is running`, {
      hint: `See why it ends with "onggi logs ${name}" and "onggi why ${name}".`,
      ...more,
    });
  }
  return new OnggiError('conflict', `Container ${name} is not running`, {
    hint: `Start it with "onggi start ${name}".`,
    ...more,
  });
}

/** Whether it has ended and waits for its next start. */
export function isRestarting({ state, restartAt }: Pick<Container['row'], 'state' | 'restartAt'>): boolean {
  return state === 'exited' && restartAt !== null;
}
