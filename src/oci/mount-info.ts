/** A field of /proc/PID/mountinfo as it is: blanks, tabs, newlines and backslashes stand there as octal (proc(5)). */
export function mountInfoField(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export type MountAbove = {
  readonly point: string;
  /** Its optional fields, which say to whom mounts are passed on: "shared:1", "master:2", both or none. */
  readonly peers: readonly string[];
};

/**
 * The mount that a path lies on.
 * @param text of /proc/PID/mountinfo
 * @param path absolute, with no link in it
 */
export function mountAbove(text: string, path: string): MountAbove | undefined {
  let found: MountAbove | undefined;
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    if (fields.length < 7) continue;
    const point = mountInfoField(fields[4] ?? '');
    const above = point === '/' || path === point || path.startsWith(`${point}/`);
    // Of two on one place the later is on top.
    if (!above || point.length < (found?.point.length ?? 0)) continue;
    found = { point, peers: fields.slice(6, fields.indexOf('-', 6)) };
  }
  return found;
}
