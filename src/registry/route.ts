/** How a host is reached: through which proxy, and whom to trust there. Pure. */

export type TlsSettings = {
  /** PEM texts of the authorities that are trusted; null: the runtime's own list. */
  readonly authorities: string | null;
  /** What the host is shown when it asks who we are. */
  readonly client: { readonly certificate: string; readonly key: string } | null;
  /** False: whoever answers is believed (an insecure registry). */
  readonly verify: boolean;
};

export type Route = {
  /** "http://user:password@proxy:3128"; null for a direct connection. */
  readonly proxy: string | null;
  readonly tls: TlsSettings;
  /** Plain http and unverified https are allowed there. */
  readonly insecure: boolean;
};

/**
 * The route to the host of an address. The same host gets the same record each time: connections are shared by it.
 * Redirects lead to other hosts, so a client certificate never goes to a host that it was not meant for.
 */
export type Routes = (url: URL) => Route;

const direct: Route = {
  proxy: null,
  tls: { authorities: null, client: null, verify: true },
  insecure: false,
};

/** Straight to every host, with the authorities that the runtime trusts. */
export const directRoutes: Routes = () => direct;
