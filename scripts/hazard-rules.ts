/** Finds what scripts/hazard-table.ts forbids. Pure. */
import type { Exception, HazardRule } from './hazard-table.ts';

export type Finding = { readonly file: string; readonly line: number; readonly rule: string };

/** The same text with blanks for comments, so that lines keep their numbers. Strings stay. */
export function withoutComments(text: string): string {
  const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;
  return text.replace(token, (found) => (found.startsWith('/') ? found.replace(/[^\n]/g, ' ') : found));
}

/** Statements with the line they begin in: a call may go over several lines. */
function statements(text: string): { readonly line: number; readonly text: string }[] {
  const found: { line: number; text: string }[] = [];
  let open = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const last = found.at(-1);
    if (open > 0 && last !== undefined) last.text += ` ${line.trim()}`;
    else found.push({ line: index + 1, text: line });
    open += (line.match(/\(/g) ?? []).length - (line.match(/\)/g) ?? []).length;
    if (/[;{}]\s*$/.test(line)) open = 0;
  }
  return found;
}

/** What breaks a rule, and exceptions that nothing needs. */
export function findHazards(files: ReadonlyMap<string, string>, rules: readonly HazardRule[]): Finding[] {
  const findings: Finding[] = [];
  const used = new Set<Exception>();
  for (const [file, text] of files) {
    const applying = rules.filter(({ files: pattern }) => pattern.test(file));
    const lines = applying.length === 0 ? [] : statements(withoutComments(text));
    for (const rule of applying) {
      for (const line of lines) {
        if (!rule.pattern.test(line.text) || rule.unless?.test(line.text) === true) continue;
        const exception = rule.exceptions?.find((one) => one.file === file && line.text.includes(one.text ?? ''));
        if (exception === undefined) findings.push({ file, line: line.line, rule: rule.rule });
        else used.add(exception);
      }
    }
  }
  for (const { rule, exceptions = [] } of rules) {
    for (const exception of exceptions.filter((one) => !used.has(one))) {
      const text = exception.text === undefined ? '' : ` for "${exception.text}"`;
      findings.push({ file: exception.file, line: 0, rule: `needs no exception${text} from: ${rule}` });
    }
  }
  return findings;
}
