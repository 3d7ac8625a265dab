"""Takes a container's terminal over a console socket and prints what the container writes: console.py SOCKET"""
import os
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(sys.argv[1])
listener.listen(1)
print('listening', flush=True)
connection, _ = listener.accept()
_, descriptors, _, _ = socket.recv_fds(connection, 4096, 1)
while True:
    try:
        data = os.read(descriptors[0], 65536)
    except OSError:  # EIO: the last process of the terminal is gone
        break
    if not data:
        break
    os.write(1, data)
