/** What a shell reports for a program that SIGPIPE ended; JavaScript engines ignore that signal. Pure. */
export const brokenPipeStatus = 128 + 13;
