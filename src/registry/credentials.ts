/** What a user has to show to one registry. Pure. */

export type Credentials =
  | { readonly username: string; readonly password: string }
  /** A refresh token of the registry's token server ("identitytoken" of Docker). */
  | { readonly identityToken: string }
  /** Shown to the registry as it is ("registrytoken" of Docker). */
  | { readonly registryToken: string };

export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Every text that must not appear in a message: a registry may send back what it was sent. */
export function secretsOf(credentials: Credentials | null, authorization: string | null): string[] {
  const secrets = authorization === null ? [] : [authorization.replace(/^\w+ /, '')];
  if (credentials === null) return secrets;
  if ('identityToken' in credentials) return [...secrets, credentials.identityToken];
  if ('registryToken' in credentials) return [...secrets, credentials.registryToken];
  const { username, password } = credentials;
  return [...secrets, basicAuthorization(username, password).replace(/^\w+ /, ''), password];
}

/** `text` with each secret in it replaced. Longest first, so that no end of one that holds another stays. */
export function redact(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret !== '').sort((a, b) => b.length - a.length);
  return known.reduce((rest, secret) => rest.replaceAll(secret, '<redacted>'), text);
}
