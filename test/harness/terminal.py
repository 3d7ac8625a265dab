"""Runs a command on a pty of its own: terminal.py ROWS COLUMNS COMMAND...

Relays stdin and stdout. Descriptor 3 takes one line "ROWS COLUMNS" for each change of size. Ends with the command's
exit status, or 128 plus the signal that ended it.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios


def set_size(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def relay(terminal):
    sources = {0: lambda data: os.write(terminal, data), 3: lambda data: resize(terminal, data)}
    sources[terminal] = lambda data: os.write(1, data)
    while True:
        for source in select.select(list(sources), [], [])[0]:
            try:
                data = os.read(source, 65536)
            except OSError:  # EIO: the last process on the pty has closed it
                data = b""
            if data:
                sources[source](data)
            elif source == terminal:
                return
            else:
                del sources[source]


def resize(terminal, data):
    for line in data.decode().splitlines():
        set_size(terminal, *map(int, line.split()))


def main():
    rows, columns, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    pid, terminal = pty.fork()
    if pid == 0:
        os.close(3)
        set_size(0, rows, columns)
        os.execvp(command[0], command)
    relay(terminal)
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.exit(status if status >= 0 else 128 - status)


main()
