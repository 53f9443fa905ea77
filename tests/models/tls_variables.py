#!/usr/bin/env python3
"""The variables of mod_ssl, told by Apache and by the real program to the same client: with TLS 1.2 and
1.3, with a client certificate and without one, and in the clear. Every value must be the same octets,
but for the one that says whose it is.

    python3 tests/models/tls_variables.py PROGRAM

Needs Apache 2.4 with mod_ssl and mod_headers (Debian: apache2) and the openssl program; 77 without.
"""
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 30  # seconds, for anything; passing runs do not come near
MODULES = "/usr/lib/apache2/modules"
THEIR_OWN = {"SSL_VERSION_INTERFACE"}
OF_CONNECTIONS = """HTTPS SSL_PROTOCOL SSL_SESSION_RESUMED SSL_SECURE_RENEG SSL_CIPHER
    SSL_CIPHER_EXPORT SSL_CIPHER_USEKEYSIZE SSL_CIPHER_ALGKEYSIZE SSL_COMPRESS_METHOD
    SSL_VERSION_INTERFACE SSL_VERSION_LIBRARY SSL_TLS_SNI SSL_CLIENT_VERIFY
    SSL_CLIENT_CERT_RFC4523_CEA SSL_CLIENT_CERT_CHAIN_0 SSL_CLIENT_CERT_CHAIN_1""".split()
OF_CERTIFICATES = """M_VERSION M_SERIAL S_DN I_DN V_START V_END V_REMAIN A_SIG A_KEY CERT SAN_DNS_0
    SAN_DNS_1 SAN_DNS_2 SAN_Email_0 SAN_OTHER_msUPN_0 SAN_OTHER_dnsSRV_0""".split()
PARTS = "C ST SP L O OU OU_0 OU_1 OU_2 CN CN_RAW CN_0_RAW T I G S D UID Email".split()
NAMES = OF_CONNECTIONS + [
    f"SSL_{whose}_{name}"
    for whose in ("CLIENT", "SERVER")
    for name in OF_CERTIFICATES + [f"{of}_DN_{part}" for of in "SI" for part in PARTS]
]
SUBJECT = (
    "/C=DE/ST=state/L=place/O=a company, with comma/OU=first/OU=second/CN=M\u00fcller/title=Dr"
    "/initials=M/GN=given/SN=family/description=words/UID=user/emailAddress=m@x.test"
)
ALSO = (
    "subjectAltName=DNS:one.test,DNS:two.test,email:m@x.test,"
    "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:u@x.test,"
    "otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_x.y.test,URI:spiffe://x/y\n"
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificates(folder):
    """ca.pem, server.pem and client.pem with their .key, in the folder."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8"]
    openssl("req", "-x509", *new_key, "-subj", "/CN=Some CA/O=auth", "-days", "99",
            "-keyout", "ca.key", "-out", "ca.pem")
    with open(f"{folder}/also", "w") as also:
        also.write(ALSO)
    for name, subject in (("server", "/CN=a.test/O=us"), ("client", SUBJECT)):
        openssl("req", *new_key, "-subj", subject, "-keyout", f"{name}.key", "-out", "request")
        openssl("x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "90", "-extfile", "also", "-out", f"{name}.pem")
    with open(f"{folder}/chain.pem", "w") as chain:
        for name in ("client", "ca"):
            chain.write(open(f"{folder}/{name}.pem").read())


def serve_heads(listener):
    """The origin: gives back the head that it was sent."""
    while True:
        connection, _ = listener.accept()
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65536)
            size = str(len(head)).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + size +
                               b"\r\n\r\n" + head)


def settings(folder, directive, tls_port, plain_port):
    told = "".join(f'{directive} X-{i} "%{{{name}}}s"\n' for i, name in enumerate(NAMES))
    return f"""ServerName a.test
PidFile {folder}/pid.{tls_port}
ErrorLog {folder}/log.{tls_port}
Listen 127.0.0.1:{tls_port}
Listen 127.0.0.1:{plain_port}
SSLCACertificateFile {folder}/ca.pem
{told}<VirtualHost *:{tls_port}>
ServerName a.test
SSLEngine On
SSLCertificateFile {folder}/server.pem
SSLCertificateKeyFile {folder}/server.key
SSLVerifyClient optional
</VirtualHost>
"""


def values(folder, port, version, shows):
    """By name, from wherever the answer has them; version None: in the clear."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
            break
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
    if version is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(f"{folder}/ca.pem")
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        if shows:
            context.load_cert_chain(f"{folder}/chain.pem", f"{folder}/client.key")
        connection = context.wrap_socket(connection, server_hostname="a.test")
    answer = b""
    with connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
        while octets := connection.recv(65536):
            answer += octets
    told = {}
    for line in answer.decode("latin-1").split("\r\n"):
        field, _, value = line.partition(": ")
        if field.startswith("X-") and field[2:].isdigit():
            told[NAMES[int(field[2:])]] = value.strip()
    return told


def compare(folder, theirs, ours):
    """How many values are compared, and how many differ."""
    compared = differing = 0
    tls = [(version, shows) for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
           for shows in (True, False)]
    for version, shows in tls + [(None, False)]:
        at = 0 if version is not None else 1
        expected = values(folder, theirs[at], version, shows)
        told = values(folder, ours[at], version, shows)
        for name in NAMES:
            if name in THEIR_OWN:
                continue
            compared += 1
            if name not in expected or expected[name] != told.get(name):
                differing += 1
                print(f"{version} {name}: Apache {expected.get(name)!r}, we {told.get(name)!r}")
    return compared, differing


def main(program):
    apache = shutil.which("apache2") or "/usr/sbin/apache2"
    if not os.path.exists(f"{MODULES}/mod_ssl.so") or not os.path.exists(apache):
        print("no Apache to compare with")
        return 77
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve_heads, args=(listener,), daemon=True).start()
    theirs, ours = (free_port(), free_port()), (free_port(), free_port())
    with tempfile.TemporaryDirectory() as folder:
        make_certificates(folder)
        modules = "".join(
            f"LoadModule {name}_module {MODULES}/mod_{name}.so\n"
            for name in ("mpm_event", "authz_core", "socache_shmcb", "ssl", "headers"))
        with open(f"{folder}/apache.conf", "w") as conf:
            conf.write(f"ServerRoot {folder}\nDocumentRoot {folder}\n" + modules +
                       settings(folder, "Header always set", *theirs))
        with open(f"{folder}/headgate.conf", "w") as conf:
            conf.write(settings(folder, "RequestHeader set", *ours) +
                       f"ProxyPass / http://127.0.0.1:{listener.getsockname()[1]}/\n")
        running = [
            subprocess.Popen([apache, "-f", f"{folder}/apache.conf", "-D", "FOREGROUND"]),
            subprocess.Popen([program, "-f", f"{folder}/headgate.conf"]),
        ]
        try:
            compared, differing = compare(folder, theirs, ours)
        finally:
            for each in running:
                each.terminate()
            for each in running:
                each.wait(PATIENCE)
    print(f"{compared} values compared, {differing} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
