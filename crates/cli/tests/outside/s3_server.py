#!/usr/bin/env python3
"""Starts a Ceph cluster of one machine with its S3 gateway in a directory, for tests. Creates the bucket `evidence`, and
prints the gateway's port. Ends with its standard input, stops the servers, and removes the directory.

usage: s3_server.py DIRECTORY

It needs Debian's packages ceph-common, ceph-mon, ceph-osd and radosgw, and curl.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid

ACCESS_KEY = "tests"
SECRET_KEY = "secret-key-4711"

# Seconds after which a command or a server counts as failed.
LIMIT = 120

CONFIGURATION = """[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{monitor},v1:127.0.0.1:{monitor_v1}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = {directory}/keyring
mon data = {directory}/mon
osd data = {directory}/osd
rgw data = {directory}/rgw
run dir = {directory}
crash dir = {directory}
admin socket = {directory}/$name.asok
pid file = {directory}/$name.pid
log file = {directory}/$name.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = bluestore
osd memory target = 939524096
bluestore block size = 40000000000
mon allow pool size one = true
mon data avail warn = 1
mon data avail crit = 1
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Cluster:
    def __init__(self, directory):
        self.directory = directory
        self.conf = f"{directory}/ceph.conf"
        self.port = free_port()
        self.servers = []

    def run(self, *command):
        done = subprocess.run(command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=LIMIT, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: {done.stderr.decode()}")

    def start(self, *command):
        with open(f"{self.directory}/servers.log", "ab") as log:
            server = subprocess.Popen([*command, "-c", self.conf, "-f"], cwd=self.directory, stdin=subprocess.DEVNULL,
                                      stdout=log, stderr=log)
        self.servers.append(server)

    def configure(self):
        fsid, ports = uuid.uuid4(), (free_port(), free_port())
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(fsid=fsid, directory=self.directory, monitor=ports[0], monitor_v1=ports[1]))
        for folder in ("osd", "rgw"):
            os.mkdir(f"{self.directory}/{folder}")
        everything = ["--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *"]
        self.run("ceph-authtool", "--create-keyring", "keyring", "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        for name in ("client.admin", "osd.0"):
            self.run("ceph-authtool", "keyring", "--gen-key", "-n", name, *everything)
        addresses = f"[v2:127.0.0.1:{ports[0]},v1:127.0.0.1:{ports[1]}]"
        self.run("monmaptool", "--create", "--clobber", "--addv", "a", addresses, "--fsid", str(fsid), "monmap")

    def begin(self):
        self.configure()
        conf = ["-c", self.conf]
        self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", "monmap", "--keyring", "keyring", *conf)
        self.start("ceph-mon", "-i", "a")
        disk = str(uuid.uuid4())
        self.run("ceph", *conf, "osd", "new", disk)
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk, *conf)
        self.start("ceph-osd", "-i", "0")
        # It waits until the disk works.
        self.run("radosgw-admin", *conf, "user", "create", "--uid=tests", "--display-name=tests",
                 f"--access-key={ACCESS_KEY}", f"--secret={SECRET_KEY}")
        self.start("radosgw", "-n", "client.admin", f"--rgw-frontends=beast endpoint=127.0.0.1:{self.port}")
        self.create_bucket()

    def create_bucket(self):
        command = ["curl", "--silent", "--max-time", "10", "--output", "/dev/null", "--write-out", "%{http_code}",
                   "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{ACCESS_KEY}:{SECRET_KEY}",
                   "--header", f"x-amz-content-sha256: {hashlib.sha256().hexdigest()}",
                   "--request", "PUT", f"http://127.0.0.1:{self.port}/evidence"]
        status = ""
        for _ in range(LIMIT):
            status = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout
            if status == "200":
                return
            time.sleep(1)
        sys.exit(f"the bucket cannot be created: HTTP {status}")

    def end(self):
        for server in reversed(self.servers):
            server.kill()
            server.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def main():
    cluster = Cluster(os.path.abspath(sys.argv[1]))
    try:
        cluster.begin()
        print(cluster.port, flush=True)
        sys.stdin.buffer.read()
    finally:
        cluster.end()


if __name__ == "__main__":
    main()
