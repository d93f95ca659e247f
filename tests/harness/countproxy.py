#!/usr/bin/env python3
"""countproxy.py TARGET_PORT FILE: pass one connection on; FILE.port gets our port, FILE the bytes that came back."""
import socket
import sys
import threading

total = 0


def pump(source, sink, counted):
    global total
    try:
        while data := source.recv(65536):
            if counted:
                total += len(data)
            sink.sendall(data)
    except OSError:
        pass
    for s in (source, sink):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


listener = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[2] + ".port", "w") as f:
    f.write(str(listener.getsockname()[1]))
client, _ = listener.accept()
server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
up = threading.Thread(target=pump, args=(client, server, False))
up.start()
pump(server, client, True)
up.join()
with open(sys.argv[2], "w") as f:
    f.write(str(total))
