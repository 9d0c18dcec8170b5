"""A Streamlit server of its own for a measurement: started on a free port, asked for its memory and its CPU time, ended."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Server:
    """``with Server() as server``: the dashboard on the sample, or on ``folder``, or another script.

    ``memory`` and ``peak`` are what it holds and the most that it held, in MB, ``cpu`` the seconds of processor time that
    it has used; NaN where the system does not say (they are read from /proc).
    """

    def __init__(self, folder: Path | None = None, script: str = "app.py", log: Path | None = None):
        self.script, self.log = script, log
        self.environment = {key: value for key, value in os.environ.items() if key != "CALCISCOPE_REGISTRY"}
        if folder is not None:
            self.environment["CALCISCOPE_REGISTRY"] = str(folder)
        with socket.socket() as free:
            free.bind(("localhost", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://localhost:{self.port}"

    def __enter__(self):
        command = [
            sys.executable, "-m", "streamlit", "run", self.script, "--server.address=localhost", "--server.headless=true",
            f"--server.port={self.port}",
        ]  # fmt: skip
        with (self.log or Path(os.devnull)).open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2).close()
                return self
            except OSError:
                time.sleep(0.1)
        self.__exit__()
        raise SystemExit("The server did not start.")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def memory(self) -> float:
        return self._status("VmRSS")

    @property
    def peak(self) -> float:
        return self._status("VmHWM")

    @property
    def cpu(self) -> float:
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return float("nan")
        user, system = stat.read_text().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _status(self, name):
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return float("nan")
        return next(int(line.split()[1]) / 1000 for line in status.read_text().splitlines() if line.startswith(name))
