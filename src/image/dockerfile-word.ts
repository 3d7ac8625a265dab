/**
 * Words of a Dockerfile line (Dockerfile reference, "Environment replacement"): blanks separate, quotes and backslash
 * keep together, $NAME and ${NAME} stand for earlier ENV values. Pure.
 */
import { OnggiError } from '../errors.ts';

/** Splits without replacing anything: quotes and backslashes stay. */
export function splitWords(text: string): string[] {
  const found: string[] = [];
  let word = '';
  let quote = '';
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (character === '\\' && quote !== "'") {
      word += character + text.charAt(index + 1);
      index += 1;
    } else if (quote === '' && /\s/.test(character)) {
      if (word !== '') found.push(word);
      word = '';
    } else {
      if (character === quote) quote = '';
      else if (quote === '' && (character === '"' || character === "'")) quote = character;
      word += character;
    }
  }
  if (quote !== '') throw new OnggiError('invalid', `"${text.slice(0, 200)}": quote ${quote} is not closed`);
  if (word !== '') found.push(word);
  return found;
}

/** The words with quotes taken off and variables of `env` ("NAME=value") put in; unknown ones are empty. */
export function words(text: string, env: readonly string[]): string[] {
  return splitWords(text).map((word) => unquote(word, env));
}

function unquote(word: string, env: readonly string[]): string {
  let result = '';
  let quote = '';
  for (let index = 0; index < word.length; index += 1) {
    const character = word.charAt(index);
    if (quote === "'") {
      if (character === "'") quote = '';
      else result += character;
    } else if (character === '\\') {
      const next = word.charAt(index + 1);
      // Inside double quotes a backslash only escapes what has a meaning there.
      result += quote === '"' && !/["$\\]/.test(next) ? character + next : next;
      index += 1;
    } else if (character === '"' || character === "'") {
      if (quote === '' || quote === character) quote = quote === '' ? character : '';
      else result += character;
    } else if (character === '$') {
      const match = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/.exec(word.slice(index));
      if (match === null) {
        if (word.charAt(index + 1) !== '{') result += character;
        else throw new OnggiError('invalid', `"${word.slice(0, 200)}": only $NAME and \${NAME} are replaced`);
      } else {
        const name = match[1] ?? match[2] ?? '';
        result += env.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
        index += match[0].length - 1;
      }
    } else result += character;
  }
  return result;
}
