/** A field of /proc/PID/mountinfo as it is: blanks, tabs, newlines and backslashes stand there as octal (proc(5)). */
export function mountInfoField(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
