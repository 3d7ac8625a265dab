/** The operations on secrets, each loaded when it is first called. */
import type { Context } from '../context.ts';
import type { SecretOptions, SecretSummary } from '../types/secret.ts';

export type Secrets = {
  /** @throws `invalid` (name, size), `exists` */
  create(name: string, content: Uint8Array, options?: SecretOptions): Promise<SecretSummary>;
  /** By name. */
  list(): Promise<SecretSummary[]>;
  /** By name or id. @throws `not-found`, `invalid` */
  get(ref: string): Promise<SecretSummary>;
  /** Its content. @throws `not-found`, `invalid` */
  read(ref: string): Promise<Uint8Array>;
  /** Containers that have it keep it. @returns its id @throws `not-found`, `invalid` */
  remove(ref: string): Promise<string>;
};

export function makeSecrets(context: Context): Secrets {
  return {
    create: async (name, content, options) =>
      (await import('./secret.ts')).createSecret(context, name, content, options ?? {}),
    list: async () => (await import('./secret.ts')).allSecrets(context),
    get: async (ref) => (await import('./secret.ts')).getSecret(context, ref),
    read: async (ref) => (await import('./secret.ts')).readSecret(context, ref),
    remove: async (ref) => (await import('./secret.ts')).removeSecret(context, ref),
  };
}
