/** Names of capabilities as Docker takes them: any case, with or without CAP_. Pure. */
import { OnggiError } from '../../errors.ts';

/** The name in upper case without CAP_, or ALL. Whether there is such a capability, the engine knows. */
export function parseCapability(text: string): string {
  const name = text.toUpperCase().replace(/^CAP_/, '');
  if (!/^[A-Z_]+$/.test(name)) throw new OnggiError('invalid', `unknown capability: "${text}"`);
  return name;
}
