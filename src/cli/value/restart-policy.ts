/** `--restart no|always|unless-stopped|on-failure[:N]`. Pure. */
import type { RestartPolicy } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';

const names: readonly RestartPolicy['name'][] = ['no', 'always', 'unless-stopped', 'on-failure'];

/** @throws OnggiError `invalid`, with Docker's words */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [word = '', count, ...more] = text.split(':');
  const name = names.find((each) => each === (word === '' && text === '' ? 'no' : word));
  if (more.length > 0) throw new OnggiError('invalid', `invalid restart policy format: '${text}'`);
  if (name === undefined) {
    throw new OnggiError(
      'invalid',
      `invalid restart policy: unknown policy '${word}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (count === undefined || count === '') return { name, maximumRetries: 0 };
  if (!/^\d{1,9}$/.test(count)) {
    throw new OnggiError('invalid', 'invalid restart policy format: maximum retry count must be an integer');
  }
  if (name !== 'on-failure' && Number(count) > 0) {
    throw new OnggiError('invalid', `invalid restart policy: maximum retry count cannot be used with policy '${name}'`);
  }
  return { name, maximumRetries: Number(count) };
}
