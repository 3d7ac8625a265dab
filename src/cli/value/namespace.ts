/** `--ipc`, `--pid`, `--uts`: a word, or `container:NAME`; and `--link`. Pure. */
import type { ContainerLink, JoinedContainer } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';

/** @throws OnggiError `invalid` */
export function parseJoining<const T extends string>(
  what: string,
  words: readonly T[],
): (text: string) => T | JoinedContainer {
  return (text) => {
    const word = words.find((each) => each === text);
    if (word !== undefined) return word;
    const container = parseJoined(text);
    if (container !== undefined) return container;
    throw new OnggiError('invalid', `${what}: invalid value '${text}'`, {
      hint: `There are ${words.join(', ')} and container:NAME.`,
    });
  };
}

/** Undefined for what does not mean a container. */
export function parseJoined(text: string): JoinedContainer | undefined {
  return /^container:./s.test(text) ? (text as JoinedContainer) : undefined;
}

/** @throws OnggiError `invalid` */
export function parseLink(text: string): ContainerLink {
  const [container = '', alias = container, ...more] = text.split(':');
  if (container === '' || alias === '' || more.length > 0)
    throw new OnggiError('invalid', `bad format for links: ${text}`);
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(alias)) {
    throw new OnggiError('invalid', `bad format for links: ${text}: invalid alias "${alias}"`);
  }
  return { container, alias };
}
