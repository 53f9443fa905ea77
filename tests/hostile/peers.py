"""What stands behind Headgate in the hostile tests: Debian's nginx, Apache, HAProxy (in front of
Node) and Node. Each answers everything with X-Echo, the target it has read, and writes one line for
each request it has seen into a log."""

import os
import shutil
import socket
import subprocess
import time

NGINX = """
daemon off; master_process off; pid {work}/nginx.pid; error_log {work}/nginx.err;
events {{ worker_connections 512; }}
http {{
    log_format seen '$request'; access_log {log} seen;
    client_body_temp_path {work}; proxy_temp_path {work}; fastcgi_temp_path {work};
    uwsgi_temp_path {work}; scgi_temp_path {work};
    keepalive_requests 1000000; keepalive_timeout 600; client_max_body_size 0; merge_slashes off;
    large_client_header_buffers 4 64k;
    server {{
        listen 127.0.0.1:{port};
        location / {{ add_header X-Echo $request_uri always; return 200 "ok"; }}
    }}
}}
"""

APACHE = """
ServerRoot {work}
Listen 127.0.0.1:{port}
ServerName h
PidFile {work}/apache.pid
ErrorLog {work}/apache.err
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
DocumentRoot {work}/empty
LogFormat "%r" seen
CustomLog {log} seen
MaxKeepAliveRequests 0
KeepAliveTimeout 600
LimitRequestLine 16000
LimitRequestFieldSize 16000
LimitRequestFields 200
AllowEncodedSlashes NoDecode
TraceEnable On
Header always set X-Echo "expr=%{{REQUEST_URI}}"
"""

HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    option http-keep-alive
frontend f
    bind 127.0.0.1:{port}
    default_backend b
backend b
    server s 127.0.0.1:{node_port}
"""

NODE = """
const fs = require('fs'), http = require('http');
const log = fs.openSync(process.argv[3], 'a');
const server = http.createServer({ maxHeaderSize: 65536, keepAliveTimeout: 600000 }, (request, response) => {
    fs.writeSync(log, request.method + ' ' + request.url + '\\n');
    request.resume();
    request.on('end', () => { response.setHeader('X-Echo', request.url); response.end('ok'); });
});
server.on('checkExpectation', (request, response) => server.emit('request', request, response));
server.on('clientError', (error, socket) => {
    const isEnd = error.code === 'HPE_INVALID_EOF_STATE';
    if (String(error.code).startsWith('HPE_') && !isEnd) fs.writeSync(log, 'refused\\n');
    socket.end('HTTP/1.1 400 Bad Request\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n');
});
server.requestTimeout = 0;
server.listen(Number(process.argv[2]), '127.0.0.1');
"""

REFUSED = b"refused"  # the line of a request that Node's parser does not take, such as "GeT /"

NAMES = ("nginx", "apache", "haproxy", "node")
PROGRAMS = {"nginx": ("/usr/sbin/nginx",), "apache": ("/usr/sbin/apache2",),
            "haproxy": ("/usr/sbin/haproxy", "node"), "node": ("node",)}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process):
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise SystemExit(f"{process.args[0]} does not listen on {port}")


class Peer:
    """A running peer; `port` is where Headgate finds it."""

    def __init__(self, name, work):
        for program in PROGRAMS[name]:
            if not shutil.which(program):
                raise SystemExit(f"{program} is not installed: sh docker/install.sh test")
        self.log = os.path.join(work, "seen.log")
        open(self.log, "w").close()
        os.makedirs(os.path.join(work, "empty"), exist_ok=True)
        self.processes = []
        self.port = free_port()
        self.work = work
        getattr(self, "start_" + name)()

    def run(self, port, *command):
        error = open(os.path.join(self.work, "peer.err"), "a")
        self.processes.append(subprocess.Popen(command, stdout=error, stderr=error))
        wait_for_port(port, self.processes[-1])

    def configure(self, text, **more):
        path = os.path.join(self.work, "peer.conf")
        with open(path, "w") as file:
            file.write(text.format(work=self.work, port=self.port, log=self.log, **more))
        return path

    def start_nginx(self):
        self.run(self.port, "/usr/sbin/nginx", "-c", self.configure(NGINX))

    def start_apache(self):
        self.run(self.port, "/usr/sbin/apache2", "-X", "-f", self.configure(APACHE))

    def start_haproxy(self):
        node_port = free_port()
        self.node(node_port)
        self.run(self.port, "/usr/sbin/haproxy", "-db", "-f", self.configure(HAPROXY, node_port=node_port))

    def start_node(self):
        self.node(self.port)

    def node(self, port):
        script = os.path.join(self.work, "echo.js")
        with open(script, "w") as file:
            file.write(NODE)
        self.run(port, "node", script, str(port), self.log)

    def seen(self):
        with open(self.log, "rb") as file:
            return file.read().splitlines()

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()
