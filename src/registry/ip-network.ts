/** Addresses in networks of CIDR notation, for lists of hosts in configuration. Pure. */

/** @param network "10.0.0.0/8", "fd00::/8"; anything else holds no address */
export function inNetwork(host: string, network: string): boolean {
  const [base = '', bits = ''] = network.split('/');
  if (!/^\d{1,3}$/.test(bits)) return false;
  const [address, start] = [bytesOf(host.replace(/^\[|\]$/g, '')), bytesOf(base)];
  if (address === undefined || start === undefined || address.length !== start.length) return false;
  const length = Number(bits);
  if (length > address.length * 8) return false;
  return address.every((byte, index) => {
    const kept = Math.min(8, Math.max(0, length - index * 8));
    const mask = (0xff00 >> kept) & 0xff;
    return (byte & mask) === ((start[index] ?? 0) & mask);
  });
}

/** 4 or 16 bytes; undefined when it is no address. */
function bytesOf(text: string): number[] | undefined {
  if (/^\d+(?:\.\d+){3}$/.test(text)) {
    const bytes = text.split('.').map(Number);
    return bytes.every((byte) => byte < 256) ? bytes : undefined;
  }
  if (!text.includes(':') || !URL.canParse(`http://[${text}]/`)) return undefined;
  // The URL parser gives the one canonical spelling, without dotted parts.
  const { hostname } = new URL(`http://[${text}]/`);
  const [head = '', tail] = hostname.slice(1, -1).split('::');
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const [left, right] = [words(head), words(tail ?? '')];
  const zeros = tail === undefined ? [] : Array<number>(8 - left.length - right.length).fill(0);
  return [...left, ...zeros, ...right].flatMap((word) => [word >> 8, word & 0xff]);
}
