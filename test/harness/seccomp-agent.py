# A seccomp agent: takes one container process state with its listener on the socket argv[1], prints it, and answers:
# the calls argv[2]=ERRNO,... fail with that error, all others go on. Prints the number of each call that it denies.
import array, fcntl, json, os, socket, struct, sys

RECV, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_*, <linux/seccomp.h>
CONTINUE = 1
denied = dict(map(int, rule.split("=")) for rule in sys.argv[2].split(",") if rule)

with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
    # By its name alone: an address has room for 107 bytes.
    os.chdir(os.path.dirname(sys.argv[1]))
    name = os.path.basename(sys.argv[1])
    if os.path.exists(name):
        os.unlink(name)
    server.bind(name)
    server.listen(1)
    print("ready", flush=True)
    connection, _ = server.accept()
with connection:
    text, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(16))
    fds = array.array("i")
    for _, _, data in ancillary:
        fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    while part := connection.recv(65536):
        text += part
print(json.dumps({"fds": len(fds), "state": json.loads(text)}), flush=True)
listener = fds[0]
while True:
    call = bytearray(80)
    try:
        fcntl.ioctl(listener, RECV, call)
    except OSError:
        break  # ENOENT: nobody is left who could call
    identity, _, _, number = struct.unpack_from("=QIIi", call)
    if number in denied:
        print(json.dumps({"denied": number}), flush=True)
        answer = struct.pack("=QqiI", identity, 0, -denied[number], 0)
    else:
        answer = struct.pack("=QqiI", identity, 0, 0, CONTINUE)
    try:
        fcntl.ioctl(listener, SEND, answer)
    except OSError:
        pass  # ENOENT: the caller was killed meanwhile
