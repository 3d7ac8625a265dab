/** The operations on registries as such, each loaded when it is first called. None of them opens the store. */
import type { LoggedIn, LoginOptions } from './login.ts';
import type { FoundRepository, SearchOptions } from './search.ts';

export type { LoggedIn, LoginOptions } from './login.ts';
export type { FoundRepository, SearchOptions } from './search.ts';

/** A `server` is a host, "HOST:PORT", or an address of it; "" and "docker.io" are Docker Hub. */
export type Registries = {
  /**
   * Tries credentials and keeps them where the Docker CLI would.
   * @throws `unauthorized` (wrong, or none known), `unavailable`, `invalid`
   */
  login(server: string, options?: LoginOptions): Promise<LoggedIn>;
  /** Idempotent. @returns false when nothing was kept */
  logout(server: string, options?: Pick<LoginOptions, 'credentialsFile'>): Promise<boolean>;
  /** From all that the file names. */
  logoutAll(options?: Pick<LoginOptions, 'credentialsFile'>): Promise<void>;
  /** Who is logged in, "" for a token; null: nobody. Nothing is asked of the registry. */
  user(server: string, options?: Pick<LoginOptions, 'credentialsFile'>): Promise<string | null>;
  /**
   * What a name without a registry may stand for, in full and in order: of one name, unless onggi's own configuration
   * has a search list. @throws `invalid`
   */
  candidates(name: string): Promise<string[]>;
  /** All tags of a repository, as the registry orders them. @throws `not-found`, `unauthorized`, `unavailable`, ... */
  tags(repository: string, options?: { readonly signal?: AbortSignal }): Promise<string[]>;
  /** Repositories by a word, or by "HOST/word" where that host can be searched. @throws `not-found`, `unavailable`, ... */
  search(term: string, options?: SearchOptions): Promise<FoundRepository[]>;
};

export function makeRegistries(): Registries {
  return {
    login: async (server, options) => (await import('./login.ts')).login(server, options),
    logout: async (server, options) => (await import('./login.ts')).logout(server, options),
    logoutAll: async (options) => (await import('./login.ts')).logoutAll(options),
    user: async (server, options) => (await import('./login.ts')).loggedInUser(server, options),
    candidates: async (name) => (await import('./search.ts')).candidates(name),
    tags: async (repository, options) => (await import('./search.ts')).tagsOf(repository, options),
    search: async (term, options) => (await import('./search.ts')).search(term, options),
  };
}
