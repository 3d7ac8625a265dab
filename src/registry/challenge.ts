/** The challenges of a WWW-Authenticate header (RFC 9110, section 11.6.1). Pure. */

export type Challenge = {
  /** Lower case: "basic", "bearer". */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
};

/** What a registry wants: credentials, or a token that the server at `realm` gives for them. */
export type Demand =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service: string | null };

/** A token, alone (a scheme) or with a value (a parameter of the scheme before it). */
const part = /[\s,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/y;

/** Several header lines arrive joined by commas, as one. What is malformed ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { readonly scheme: string; readonly parameters: Map<string, string> }[] = [];
  part.lastIndex = 0;
  for (let match = part.exec(header); match !== null; match = part.exec(header)) {
    const [, word = '', quoted, plain] = match;
    const value = quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1');
    if (value === undefined) challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
    else challenges.at(-1)?.parameters.set(word.toLowerCase(), value);
  }
  return challenges;
}

/** The strongest demand that can be met: a token before the credentials themselves. Null: none is known. */
export function demandOf(header: string): Demand | null {
  const challenges = parseChallenges(header);
  for (const { scheme, parameters } of challenges) {
    const realm = parameters.get('realm');
    if (scheme === 'bearer' && realm !== undefined) {
      return { scheme, realm, service: parameters.get('service') ?? null };
    }
  }
  return challenges.some(({ scheme }) => scheme === 'basic') ? { scheme: 'basic' } : null;
}
